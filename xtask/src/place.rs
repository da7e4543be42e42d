//! Where things are: the repository, and the folder of built things.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::Failure;

/// The folders every command works in.
pub(crate) struct Place {
    root: PathBuf,
    target: PathBuf,
}

impl Place {
    /// Finds the repository by this package's folder, and cargo's target folder by where this very program lies.
    pub(crate) fn find() -> Result<Self, Failure> {
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = here
            .parent()
            .map(Path::to_path_buf)
            .ok_or_else(|| Failure::new("xtask has no parent folder"))?;
        let program = std::env::current_exe().map_err(|error| Failure::new(format!("where am I? {error}")))?;
        let target = program.ancestors().nth(2).map(Path::to_path_buf);
        let target = target.ok_or_else(|| Failure::new("this program does not lie in a target folder"))?;
        Ok(Self { root, target })
    }

    /// The repository.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of built things; everything these commands make is below it.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The add-on's folder.
    pub(crate) fn extension(&self) -> PathBuf {
        self.root.join("extension")
    }

    /// The tests' folder, with the Thunderbird driver.
    pub(crate) fn tests(&self) -> PathBuf {
        self.root.join("tests")
    }

    /// The host as the tests use it.
    pub(crate) fn host(&self) -> PathBuf {
        self.target.join("debug").join("corella")
    }

    /// The host as it is given to users.
    pub(crate) fn release(&self) -> PathBuf {
        self.target.join("release").join("corella")
    }

    /// Where the add-on's package is put.
    pub(crate) fn xpi(&self) -> PathBuf {
        self.target.join("corella.xpi")
    }

    /// Builds the host and the certifying authority, and what else stands in `more`, with the features that the tests have: they and the host then share what is
    /// compiled. (The only one is tokio's clock that can be stopped; what users get is built without, see `package`.)
    pub(crate) fn build_host(&self, more: &[&str]) -> Command {
        let mut command = self.cargo(&["build", "--locked", "--package", "corella", "--bin", "corella"]);
        command.args(["--package", "corella-ca", "--bin", "corella-ca"]);
        command.args(["--features", "tokio/test-util"]).args(more);
        command
    }

    /// A cargo command in the repository that builds into the same target folder.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .current_dir(&self.root)
            .args(arguments)
            .env("CARGO_TARGET_DIR", &self.target);
        // What `cargo run` told this program about itself is not for the programs it starts.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text == "CARGO_MANIFEST_DIR" || text == "CARGO_MANIFEST_PATH" {
                command.env_remove(&name);
            }
        }
        command
    }
}
