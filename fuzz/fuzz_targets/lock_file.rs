//! Any lock file under any name.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((ecosystem, rest)) = lazaret_fuzz::ecosystem(input) else { return };
    let Some(at) = rest.iter().position(|byte| *byte == b'\n') else { return };
    let (name, text) = rest.split_at(at);
    let _ = ecosystem.lock_file(&String::from_utf8_lossy(name), text);
});
