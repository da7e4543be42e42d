//! The add-on's packages from npm: what goes with it, and the tools that check it. Both are pinned by its lock file.

use crate::files;
use crate::place::Place;
use crate::python::Python;
use crate::step::{Failure, quietly, step, visibly};

/// Says which lock file everything was installed by.
const TOOLS: &str = ".installed";
/// Says the same where only what goes with the add-on was.
const LIBRARY: &str = ".library";

/// Runs one of the add-on's scripts, after its tools are there.
pub(crate) fn run(place: &Place, script: &str) -> Result<(), Failure> {
    let python = Python::provide_node(place)?;
    if !installed(place, TOOLS)? {
        step("install the add-on's tools: extension/package-lock.json", || {
            install(place, &python, &[], TOOLS)
        })?;
    }
    visibly(
        python
            .program("npm", &["run", "--silent", script])
            .current_dir(place.extension()),
    )
}

/// Provides what goes with the add-on, for packing it; the tools bring that too.
pub(crate) fn provide_library(place: &Place) -> Result<(), Failure> {
    if installed(place, TOOLS)? || installed(place, LIBRARY)? {
        return Ok(());
    }
    let python = Python::provide_node(place)?;
    step("install what goes with the add-on: extension/package-lock.json", || {
        install(place, &python, &["--omit=dev"], LIBRARY)
    })
}

/// Whether exactly what the lock file names was installed before.
fn installed(place: &Place, stamp: &str) -> Result<bool, Failure> {
    let wanted = files::text(&place.extension().join("package-lock.json"))?;
    let stamp = place.extension().join("node_modules").join(stamp);
    Ok(std::fs::read_to_string(stamp).is_ok_and(|found| found == wanted))
}

fn install(place: &Place, python: &Python, options: &[&str], stamp: &str) -> Result<(), Failure> {
    let folder = place.extension();
    quietly(
        python
            .program("npm", &["ci", "--no-audit", "--no-fund"])
            .args(options)
            .current_dir(&folder),
        &place.target().join("npm.log"),
    )?;
    let lock = files::text(&folder.join("package-lock.json"))?;
    files::write(&folder.join("node_modules").join(stamp), lock)
}
