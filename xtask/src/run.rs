//! `cargo xtask run`: a real Thunderbird with Corella in it, from nothing.

use std::os::unix::process::CommandExt;
use std::process::{ExitCode, Stdio};

use crate::apt;
use crate::needs;
use crate::npm;
use crate::parts::with_built_things;
use crate::place::Place;
use crate::python::Python;
use crate::step::{Failure, step, visibly};
use crate::xpi;

/// Installs and builds what is missing, then hands over to the driver in `tests/demo.py`.
pub(crate) fn run(place: &Place, fresh: bool) -> Result<ExitCode, Failure> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
    let screen = if display { &[] } else { needs::DISPLAY };
    apt::provide(place, &[needs::BUILD, needs::THUNDERBIRD, screen])?;
    let python = Python::provide(place)?;
    step("build the host", || visibly(&mut place.build_host(&[])))?;
    npm::provide_library(place)?;
    step("pack the add-on", || xpi::pack(&place.extension(), &place.xpi()))?;
    let mut demo = python.command(&["demo.py"]);
    with_built_things(demo.current_dir(place.tests()), place);
    demo.arg("--folder").arg(place.target().join("run"));
    demo.arg("--mode").arg(if display { "show" } else { "drive" });
    if fresh {
        demo.arg("--fresh");
    }
    // From here on this process is the driver: signals and the exit code are its own.
    let error = demo.stdin(Stdio::null()).exec();
    Err(Failure::new(format!("{}: {error}", crate::step::named(&demo))))
}
