//! The tests' Python: a virtual environment below the target folder, with everything pinned.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::files;
use crate::place::Place;
use crate::step::{Failure, quietly, step};

/// The tests' own Python.
pub(crate) struct Python {
    venv: PathBuf,
}

impl Python {
    /// What drives Thunderbird.
    pub(crate) fn provide(place: &Place) -> Result<Self, Failure> {
        let python = Self {
            venv: place.target().join("venv"),
        };
        python.install(place, "requirements.txt")?;
        Ok(python)
    }

    /// Node.js as well, for the add-on's tools: pinned, whatever the system has.
    pub(crate) fn provide_node(place: &Place) -> Result<Self, Failure> {
        let python = Self::provide(place)?;
        python.install(place, "requirements-node.txt")?;
        Ok(python)
    }

    /// A command of this Python: `python arguments…`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.bin().join("python"));
        command.args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// A program of this environment's `bin`, such as `npm`, which finds its neighbours there.
    pub(crate) fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.bin().join(name));
        command.args(arguments).env("PATH", self.path());
        command
    }

    fn bin(&self) -> PathBuf {
        self.venv.join("bin")
    }

    fn path(&self) -> OsString {
        let mut path = self.bin().into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        path
    }

    /// Installs a list of pinned packages, unless exactly that list was installed before.
    fn install(&self, place: &Place, list: &str) -> Result<(), Failure> {
        let wanted = files::text(&place.tests().join(list))?;
        let stamp = self.venv.join(list);
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        let log = place.target().join("pip.log");
        step(&format!("install Python packages: tests/{list}"), || {
            if !self.bin().join("python").exists() {
                quietly(Command::new("python3").args(["-m", "venv"]).arg(&self.venv), &log)?;
            }
            let file = place.tests().join(list);
            quietly(
                self.command(&["-m", "pip", "install", "--quiet", "--requirement"])
                    .arg(file),
                &log,
            )?;
            files::write(&stamp, &wanted)
        })
    }
}
