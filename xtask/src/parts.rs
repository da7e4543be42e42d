//! The parts of the test run: what each needs, and what it does.

use std::process::Command;

use crate::needs::{self, Need};
use crate::npm;
use crate::place::Place;
use crate::python::Python;
use crate::step::{Failure, step, visibly};
use crate::xpi;

/// How many changed records the long form tries.
const LONG_MUTANTS: &str = "1000000";

/// One part of the test run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// rustfmt.
    Format,
    /// clippy.
    Lint,
    /// rustdoc: every link, every public item.
    Docs,
    /// All Rust tests.
    Rust,
    /// ruff on the tests.
    Python,
    /// The add-on's types and style, and Thunderbird's own linter.
    AddonCheck,
    /// The add-on's unit tests.
    AddonUnit,
    /// The add-on's pages in an ordinary browser.
    AddonUi,
    /// pytest: real processes, real networks, a real Thunderbird.
    System,
}

impl Part {
    /// In the order in which they run: quick ones first, so that a slip is seen early.
    pub(crate) const ALL: [Self; 9] = [
        Self::Format,
        Self::Python,
        Self::AddonCheck,
        Self::AddonUnit,
        Self::AddonUi,
        Self::Lint,
        Self::Docs,
        Self::Rust,
        Self::System,
    ];

    /// The name on the command line and in the summary.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Lint => "lint",
            Self::Docs => "docs",
            Self::Rust => "rust",
            Self::Python => "python",
            Self::AddonCheck => "addon-check",
            Self::AddonUnit => "addon-unit",
            Self::AddonUi => "addon-ui",
            Self::System => "system",
        }
    }

    /// The part of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// What the system must have for it.
    pub(crate) fn needs(self) -> Vec<&'static [Need]> {
        match self {
            Self::Format => vec![],
            Self::Lint | Self::Docs => vec![needs::BUILD],
            Self::Rust => vec![needs::BUILD, needs::OPINIONS, needs::YARDSTICK],
            Self::Python | Self::AddonCheck | Self::AddonUnit => vec![needs::PYTHON],
            Self::AddonUi => vec![needs::PYTHON, needs::BROWSER],
            Self::System => vec![
                needs::BUILD,
                needs::THUNDERBIRD,
                needs::DISPLAY,
                needs::OPINIONS,
                needs::MAIL,
            ],
        }
    }

    /// Runs it; the tools' own lines go to the terminal.
    pub(crate) fn run(self, place: &Place, long: bool) -> Result<(), Failure> {
        match self {
            Self::Format => visibly(&mut place.cargo(&["fmt", "--all", "--check"])),
            Self::Lint => visibly(&mut place.cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "--deny",
                "warnings",
            ])),
            Self::Docs => visibly(
                place
                    .cargo(&["doc", "--workspace", "--no-deps", "--locked"])
                    .env("RUSTDOCFLAGS", "--deny warnings"),
            ),
            Self::Rust => visibly(&mut rust(place, long)),
            Self::Python => {
                let python = Python::provide(place)?;
                let ruff = |words: &[&str]| visibly(python.program("ruff", words).current_dir(place.tests()));
                ruff(&["check", "."]).and_then(|()| ruff(&["format", "--check", "."]))
            }
            Self::AddonCheck => npm::run(place, "check"),
            Self::AddonUnit => npm::run(place, "test"),
            Self::AddonUi => npm::run(place, "test:ui"),
            Self::System => system(place, long),
        }
    }
}

/// All Rust tests; in the long form with the large networks, and with more mutants unless somebody has said how many.
fn rust(place: &Place, long: bool) -> Command {
    let mut command = place.cargo(&["test", "--workspace", "--locked"]);
    if long {
        command.env("CORELLA_LONG", "1");
        if std::env::var_os("CORELLA_MUTANTS").is_none() {
            command.env("CORELLA_MUTANTS", LONG_MUTANTS);
        }
    }
    command
}

/// pytest on the freshly built programs and add-on.
fn system(place: &Place, long: bool) -> Result<(), Failure> {
    let python = Python::provide(place)?;
    step("build the host", || {
        visibly(&mut place.build_host(&["--package", "corella-overlay", "--example", "records"]))
    })?;
    npm::provide_library(place)?;
    step("pack the add-on", || xpi::pack(&place.extension(), &place.xpi()))?;
    // Most tests wait most of the time. Files stay together: what one of them starts serves all its tests.
    let mut pytest = python.command(&["-m", "pytest", "--numprocesses", "2", "--dist", "loadfile"]);
    if long {
        pytest.arg("--long");
    }
    visibly(with_built_things(pytest.current_dir(place.tests()), place))
}

/// Tells the Python side where the built things are.
pub(crate) fn with_built_things<'a>(command: &'a mut Command, place: &Place) -> &'a mut Command {
    command
        .env("CORELLA_HOST", place.host())
        .env("CORELLA_XPI", place.xpi())
        .env("CORELLA_ARTIFACTS", place.target().join("test-artifacts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_form_asks_for_more() {
        let place = Place::find().expect("the repository");
        let told = |long| {
            let command = rust(&place, long);
            let names = command.get_envs().filter(|(_, value)| value.is_some());
            let mut names: Vec<_> = names.map(|(name, _)| name.to_string_lossy().into_owned()).collect();
            names.retain(|name| name.starts_with("CORELLA_"));
            names
        };
        assert_eq!(told(true), ["CORELLA_LONG", "CORELLA_MUTANTS"]);
        assert!(told(false).is_empty());
    }

    #[test]
    fn every_part_has_a_name_of_its_own() {
        for part in Part::ALL {
            assert_eq!(Part::from_name(part.name()), Some(part));
        }
        assert_eq!(Part::from_name("everything"), None);
    }
}
