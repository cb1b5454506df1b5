//! `e2e/clients.toml`, and where what it lists is on this machine.

use super::Dialect;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
pub(super) struct Table {
    pub(super) client: Vec<Row>,
    pub(super) tool: Vec<ToolRow>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) dialect: Dialect,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) runtime: Option<String>,
    #[serde(default)]
    pub(super) needs: Vec<String>,
    #[serde(flatten)]
    pub(super) tool: ToolRow,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolRow {
    pub(super) name: String,
    installer: String,
    entry: String,
}

impl ToolRow {
    /// Where it is, when it is there.
    pub(super) fn place(&self) -> Option<PathBuf> {
        let folder = tools_folder().join(&self.name);
        let place = match self.installer.as_str() {
            "machine" | "debian" => return in_path(&self.entry),
            "npm" => folder.join("node_modules").join(&self.entry),
            _ => folder.join(&self.entry),
        };
        // The installer leaves this behind when all went well.
        folder.join(".version").is_file().then(|| std::path::absolute(place).ok()).flatten()
    }
}

pub(super) fn table() -> Table {
    toml::from_str(include_str!("../../../../e2e/clients.toml")).expect("e2e/clients.toml")
}

/// Where a tool of `e2e/clients.toml` is: a program, or the folder of `mvn-plugins`. `None`, after saying so
/// loudly, when it is not installed.
///
/// # Panics
/// As [`super::Client::find`].
pub fn find_tool(name: &str) -> Option<PathBuf> {
    let found = tool(name);
    if found.is_none() {
        say_missing(&format!("tool {name} not installed"));
    }
    found
}

pub(super) fn tool(name: &str) -> Option<PathBuf> {
    let row = table().tool.into_iter().find(|row| row.name == name);
    let Some(row) = row else { panic!("e2e/clients.toml has no tool `{name}`") };
    row.place()
}

pub(super) fn say_missing(what: &str) {
    // The test harness names each thread after its test.
    let thread = std::thread::current();
    crate::registries::skip(thread.name().unwrap_or("a test"), what, "run e2e/install-clients.sh");
}

/// The folder into which `e2e/install-clients.sh` installs.
pub fn tools_folder() -> PathBuf {
    std::env::var_os("LAZARET_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools"), PathBuf::from)
}

pub(super) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
