//! `cargo xtask package`: what is given to users, below `target/package`.

use std::process::ExitCode;

use crate::apt;
use crate::files;
use crate::needs;
use crate::place::Place;
use crate::step::{Failure, step, visibly};
use crate::xpi;

/// Builds the host for release and packs the add-on; puts both and the service unit side by side.
pub(crate) fn package(place: &Place) -> Result<ExitCode, Failure> {
    apt::provide(place, &[needs::BUILD])?;
    let folder = place.target().join("package");
    files::make_folder(&folder)?;
    step("build the host for release", || {
        visibly(&mut place.cargo(&["build", "--release", "--locked", "--package", "corella"]))
    })?;
    step("put the package together", || {
        files::copy("corella", &place.target().join("release"), &folder)?;
        xpi::pack(&place.extension(), &folder.join("corella.xpi"))?;
        for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
            files::copy(name, place.root(), &folder)?;
        }
        files::copy("corella-node.service", &place.root().join("manifests"), &folder)
    })?;
    println!("The package is in {}", folder.display());
    Ok(ExitCode::SUCCESS)
}
