//! `corella-ca`, the program: see [`corella_ca`].

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    corella_ca::cli::run()
}
