//! What `setup` changed, so that it can be taken back.

use super::edit::Change;
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The form of the file.
const FORM: u32 = 1;

/// Every file that is changed now.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    form: u32,
    pub(super) files: BTreeMap<PathBuf, Changed>,
}

/// One file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Changed {
    /// For which client.
    pub(super) client: String,
    /// Its content before; `None` when it was not there.
    pub(super) original: Option<String>,
    /// Its content as `setup` left it.
    pub(super) after: String,
    pub(super) changes: Vec<Change>,
    /// Folders that were made for it, the outermost first.
    pub(super) folders: Vec<PathBuf>,
}

impl State {
    /// Reads it; nothing was changed when there is none.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let state: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is not what setup wrote", path.display()))?;
        if state.form != FORM {
            bail!("{} has form {}; this program reads form {FORM}", path.display(), state.form);
        }
        Ok(state)
    }

    /// Writes it, readable by its owner alone, since it holds what stood in the files; takes it away when
    /// nothing is changed.
    pub(super) fn save(&mut self, path: &Path) -> anyhow::Result<()> {
        if self.files.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(error).with_context(|| format!("{} cannot be removed", path.display()))
                }
                _ => Ok(()),
            };
        }
        self.form = FORM;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        write(path, &serde_json::to_string_pretty(self)?, Some(0o600))
    }
}

/// Replaces a file at once: it holds the old content or the new, whatever happens. A link is followed. The
/// mode is kept unless one is given.
pub(super) fn write(path: &Path, content: &str, mode: Option<u32>) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".lazaret-").tempfile_in(folder).with_context(failed)?;
    let kept = std::fs::metadata(&target).ok().map(|metadata| metadata.permissions().mode() & 0o7777);
    if let Some(mode) = mode.or(kept) {
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).with_context(failed)?;
    }
    file.write_all(content.as_bytes()).with_context(failed)?;
    file.as_file().sync_all().with_context(failed)?;
    file.persist(&target).with_context(failed)?;
    Ok(())
}
