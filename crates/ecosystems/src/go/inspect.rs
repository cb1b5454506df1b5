//! Looks into the three files of a version.
//!
//! That a `go.mod` names another module than the one it is asked for as is no disagreement: a fork that stands
//! in for a module by `replace` keeps the module's own path, and where nothing is replaced the go command itself
//! refuses the other path.

use super::details::{Info, LARGEST_INFO};
use super::gomod::{self, GoMod};
use super::{archive, route};
use crate::{Inspection, ReadSeek};
use lazaret_vocabulary::{Artifact, Malformed, PackageName, Release};
use route::Kind;
use std::io::{Read as _, SeekFrom};

/// What a file says of itself, and where that is not what it was asked for as.
pub(super) fn inspect(
    release: &Release,
    package: &PackageName,
    artifact: &Artifact,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    let mut inspection = Inspection { install_script: Some(false), ..Inspection::default() };
    match route::split(&artifact.file).map(|(_, kind)| kind) {
        Some(Kind::Info) => {
            let info = Info::parse(&all(file, LARGEST_INFO)?)?;
            inspection.claimed = info.time;
            inspection
                .disagreements
                .extend(info.check(&release.version).err().map(|error| error.to_string()));
        }
        Some(Kind::Mod) => {
            let go_mod = GoMod::parse(&all(file, gomod::LARGEST)?)?;
            if go_mod.module.is_none() {
                inspection.disagreements.push("its go.mod names no module".to_owned());
            }
        }
        Some(Kind::Zip) => {
            let contents = archive::look(package, &release.version, file)?;
            inspection.disagreements = contents.complaints;
            inspection.licence = contents.licence;
            let unreadable = contents.go_mod.and_then(|bytes| GoMod::parse(&bytes).err());
            inspection.disagreements.extend(unreadable.map(|error| error.to_string()));
        }
        None => return Err(Malformed::new(format!("`{}` is no file of a module's version", artifact.file))),
    }
    Ok(inspection)
}

/// All of a file, and a byte more than `largest` of one that is larger.
fn all(file: &mut dyn ReadSeek, largest: usize) -> Result<Vec<u8>, Malformed> {
    let unreadable = |error: std::io::Error| Malformed::new(format!("the file cannot be read: {error}"));
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(largest as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}
