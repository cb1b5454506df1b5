//! Where this user's configuration files lie.

use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// The folders and files that the environment decides about.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The home directory.
    pub(crate) home: PathBuf,
    /// What `setup` remembers.
    pub(super) state: PathBuf,
    variables: Vec<(&'static str, PathBuf)>,
}

/// Variables that move a client's files.
const MOVERS: [&str; 4] = ["XDG_CONFIG_HOME", "CARGO_HOME", "NPM_CONFIG_USERCONFIG", "npm_config_userconfig"];

impl Places {
    /// From the environment.
    pub(crate) fn of_this_user() -> anyhow::Result<Self> {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = variable("HOME").context("HOME does not say where the configuration files are")?;
        let state = variable("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state"));
        let variables = MOVERS.iter().filter_map(|name| Some((*name, variable(name)?))).collect();
        Ok(Self { home, state: state.join("lazaret/setup.json"), variables })
    }

    /// For tests: everything below one folder, nothing moved.
    #[cfg(test)]
    pub(super) fn below(home: &Path) -> Self {
        Self { home: home.to_owned(), state: home.join("state/setup.json"), variables: Vec::new() }
    }

    fn variable(&self, name: &str) -> Option<&Path> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, path)| path.as_path())
    }

    /// Where a file that is named relative to the home directory lies for this user.
    pub(crate) fn file(&self, relative: &str) -> PathBuf {
        if let (Some(rest), Some(folder)) =
            (relative.strip_prefix(".config/"), self.variable("XDG_CONFIG_HOME"))
        {
            return folder.join(rest);
        }
        if let Some(rest) = relative.strip_prefix(".cargo/") {
            let folder = self.variable("CARGO_HOME").map_or_else(|| self.home.join(".cargo"), Path::to_owned);
            // Where both are there, cargo reads the older name.
            let older =
                rest.strip_suffix(".toml").map(|stem| folder.join(stem)).filter(|older| older.is_file());
            return older.unwrap_or_else(|| folder.join(rest));
        }
        let moved = match relative {
            ".npmrc" => MOVERS.iter().skip(2).find_map(|name| self.variable(name)).map(Path::to_owned),
            ".bunfig.toml" => self.variable("XDG_CONFIG_HOME").map(|folder| folder.join(relative)),
            _ => None,
        };
        moved.unwrap_or_else(|| self.home.join(relative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_moves_files() {
        let dir = tempfile::tempdir().unwrap();
        let mut places = Places::below(dir.path());
        assert_eq!(places.file(".npmrc"), dir.path().join(".npmrc"));
        assert_eq!(places.file(".config/pip/pip.conf"), dir.path().join(".config/pip/pip.conf"));
        assert_eq!(places.file(".cargo/config.toml"), dir.path().join(".cargo/config.toml"));
        let cargo = dir.path().join("cargo");
        places.variables = vec![
            ("XDG_CONFIG_HOME", "/etc/xdg-of-mine".into()),
            ("CARGO_HOME", cargo.clone()),
            ("npm_config_userconfig", "/etc/npmrc-of-mine".into()),
        ];
        assert_eq!(places.file(".npmrc"), Path::new("/etc/npmrc-of-mine"));
        assert_eq!(places.file(".bunfig.toml"), Path::new("/etc/xdg-of-mine/.bunfig.toml"));
        assert_eq!(places.file(".config/uv/uv.toml"), Path::new("/etc/xdg-of-mine/uv/uv.toml"));
        assert_eq!(places.file(".cargo/config.toml"), cargo.join("config.toml"));
        std::fs::create_dir(&cargo).unwrap();
        std::fs::write(cargo.join("config"), "").unwrap();
        assert_eq!(
            places.file(".cargo/config.toml"),
            cargo.join("config"),
            "cargo reads the older name first"
        );
        assert_eq!(places.file(".cargo/credentials.toml"), cargo.join("credentials.toml"));
    }
}
