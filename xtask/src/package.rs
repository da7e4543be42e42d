//! `cargo xtask package`: what is given to users, below `target/package`.

use std::process::ExitCode;

use crate::apt;
use crate::files;
use crate::needs;
use crate::npm;
use crate::place::Place;
use crate::step::{Failure, step, visibly};
use crate::xpi;

/// Builds the host for release and packs the add-on; puts all and the service units side by side.
pub(crate) fn package(place: &Place) -> Result<ExitCode, Failure> {
    apt::provide(place, &[needs::BUILD, needs::PYTHON])?;
    let folder = place.target().join("package");
    files::make_folder(&folder)?;
    step("build host and authority for release", || {
        let programs = ["--package", "corella", "--package", "corella-ca"];
        visibly(place.cargo(&["build", "--release", "--locked"]).args(programs))
    })?;
    npm::provide_library(place)?;
    step("put the package together", || {
        for program in ["corella", "corella-ca"] {
            files::copy(program, &place.target().join("release"), &folder)?;
        }
        xpi::pack(&place.extension(), &folder.join("corella.xpi"))?;
        for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
            files::copy(name, place.root(), &folder)?;
        }
        for unit in ["corella-node.service", "corella-ca.service"] {
            files::copy(unit, &place.root().join("manifests"), &folder)?;
        }
        Ok(())
    })?;
    println!("The package is in {}", folder.display());
    Ok(ExitCode::SUCCESS)
}
