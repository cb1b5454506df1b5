//! Any file under any name: what it says of itself is read within bounds, or it is refused.
#![no_main]

use lazaret_vocabulary::{Artifact, Release};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|input: &[u8]| {
    let Some((ecosystem, rest)) = lazaret_fuzz::ecosystem(input) else { return };
    let mut lines = rest.splitn(3, |byte| *byte == b'\n');
    let text = |line: Option<&[u8]>| String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
    let (name, version) = (text(lines.next()), "1.0.0");
    let file = text(lines.next());
    let Ok(package) = ecosystem.name(&name) else { return };
    let artifact =
        Artifact { file: file.as_str().into(), url: "".into(), digests: Vec::new(), size_bytes: None };
    let release =
        Release { version: version.into(), artifacts: vec![artifact.clone()], ..Release::default() };
    let mut bytes = Cursor::new(lines.next().unwrap_or_default());
    let _ = ecosystem.inspect(&release, &package, &artifact, &mut bytes);
});
