//! The project's own commands: `cargo xtask run | test | bench | package`.
//!
//! `run` and `test` install what is missing first, so both work on a bare machine with a Rust toolchain. This program
//! prepares and starts things; what drives Thunderbird is the Python driver below `tests/`, which exists once.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a command line program talks on stdout")]

mod apt;
mod bench;
mod cli;
mod files;
mod needs;
mod npm;
mod package;
mod parts;
mod place;
mod python;
mod run;
mod step;
mod test;
mod xpi;
mod zip;

use std::process::ExitCode;

use cli::Command;
use place::Place;
use step::Failure;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(wrong) => {
            eprintln!("xtask: {wrong}; `cargo xtask --help` lists the commands");
            return ExitCode::from(2);
        }
    };
    match carry_out(command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<ExitCode, Failure> {
    if let Command::Help = command {
        println!("{}", cli::HELP);
        return Ok(ExitCode::SUCCESS);
    }
    let place = Place::find()?;
    match command {
        Command::Help => Ok(ExitCode::SUCCESS),
        Command::Run { fresh } => run::run(&place, fresh),
        Command::Test { long, only } => test::test(&place, long, &only),
        Command::Bench { only } => bench::bench(&place, &only),
        Command::Package => package::package(&place),
    }
}
