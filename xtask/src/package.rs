//! `cargo xtask package`: what is given to users, below `target/package`.

use std::process::ExitCode;

use crate::apt;
use crate::needs;
use crate::place::Place;
use crate::step::{Failure, step, visibly};
use crate::xpi;

/// Builds the host for release and packs the add-on; puts both and the service unit side by side.
pub(crate) fn package(place: &Place) -> Result<ExitCode, Failure> {
    apt::provide(place, &[needs::BUILD])?;
    let folder = place.target().join("package");
    std::fs::create_dir_all(&folder)?;
    step("build the host for release", || {
        visibly(&mut place.cargo(&["build", "--release", "--locked", "--package", "corella"]))
    })?;
    step("put the package together", || {
        std::fs::copy(place.target().join("release").join("corella"), folder.join("corella"))?;
        xpi::pack(&place.extension(), &folder.join("corella.xpi"))?;
        for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
            std::fs::copy(place.root().join(name), folder.join(name))?;
        }
        let unit = "corella-node.service";
        std::fs::copy(place.root().join("manifests").join(unit), folder.join(unit))?;
        Ok(())
    })?;
    println!("The package is in {}", folder.display());
    Ok(ExitCode::SUCCESS)
}
