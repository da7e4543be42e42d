//! The command line, by hand: four commands and five flags need no library.

use crate::bench::Measure;
use crate::parts::Part;

/// What `cargo xtask --help` prints.
pub(crate) const HELP: &str = "\
Corella's own commands. Each installs what it needs and says so.

cargo xtask run [--fresh]
    Builds host and add-on and opens a real Thunderbird on a throw-away profile, with Corella installed and a buddy
    \"Echo\" on a small local network. Without a display it holds the conversation itself and says where the
    screenshots are. The conversation is kept between runs; --fresh starts anew.

cargo xtask test [--long] [--only PART]...
    Runs every test. --long takes the long forms. Parts: format, lint, docs, rust, python, addon-check, addon-unit,
    addon-ui, system.

cargo xtask bench [--only PART]...
    Measures and prints ratios. Parts: bridge, agents, search, overlay, authority.

cargo xtask package
    A release build of host and add-on below target/package.";

/// One command with its flags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print [`HELP`].
    Help,
    /// Open Thunderbird with Corella in it.
    Run {
        /// Forget the last run's profile and conversation.
        fresh: bool,
    },
    /// Run the tests.
    Test {
        /// The long forms too.
        long: bool,
        /// These parts only; empty means all.
        only: Vec<Part>,
    },
    /// Run the benchmarks.
    Bench {
        /// These measurements only; empty means all.
        only: Vec<Measure>,
    },
    /// Build what is given to users.
    Package,
}

/// Reads the arguments after the program's name. The error is one clear line.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter();
    let Some(name) = arguments.next() else {
        return Ok(Command::Help);
    };
    let mut command = match name.as_str() {
        "run" => Command::Run { fresh: false },
        "test" => Command::Test {
            long: false,
            only: Vec::new(),
        },
        "bench" => Command::Bench { only: Vec::new() },
        "package" => Command::Package,
        "help" | "--help" | "-h" => Command::Help,
        _ => return Err(format!("unknown command `{name}`")),
    };
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), &mut command) {
            ("--help" | "-h", _) => return Ok(Command::Help),
            ("--fresh", Command::Run { fresh }) => *fresh = true,
            ("--long", Command::Test { long, .. }) => *long = true,
            ("--only", Command::Test { only, .. }) => only.push(named(arguments.next(), Part::from_name)?),
            ("--only", Command::Bench { only }) => only.push(named(arguments.next(), Measure::from_name)?),
            _ => return Err(format!("`{name}` does not take `{argument}`")),
        }
    }
    Ok(command)
}

fn named<T>(value: Option<String>, from_name: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let value = value.ok_or("--only needs the name of a part")?;
    from_name(&value).ok_or_else(|| format!("there is no part `{value}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn commands_and_their_flags() {
        assert_eq!(parsed(""), Ok(Command::Help));
        assert_eq!(parsed("run --help"), Ok(Command::Help));
        assert_eq!(parsed("run --fresh"), Ok(Command::Run { fresh: true }));
        let both = vec![Part::Rust, Part::System];
        assert_eq!(
            parsed("test --long --only rust --only system"),
            Ok(Command::Test { long: true, only: both })
        );
        assert_eq!(
            parsed("bench --only search"),
            Ok(Command::Bench {
                only: vec![Measure::Search]
            })
        );
    }

    #[test]
    fn wrong_use_is_said_in_one_line() {
        for wrong in [
            "dance",
            "run --long",
            "test --only",
            "test --only nothing",
            "bench --only rust",
            "package now",
        ] {
            let said = parsed(wrong).expect_err(wrong);
            assert_eq!(said.lines().count(), 1, "{wrong}: {said}");
        }
    }

    #[test]
    fn help_names_every_part() {
        for name in Part::ALL
            .iter()
            .map(|part| part.name())
            .chain(Measure::ALL.iter().map(|measure| measure.name()))
        {
            assert!(HELP.contains(name), "{name} is missing from the help");
        }
    }
}
