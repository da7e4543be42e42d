//! `cargo xtask bench`: benchmark programs that print ratios. Nothing here passes or fails.

use std::process::ExitCode;

use crate::apt;
use crate::needs;
use crate::npm;
use crate::parts::with_built_things;
use crate::place::Place;
use crate::python::Python;
use crate::step::{Failure, step, visibly};
use crate::xpi;

/// How many messages the search is measured on.
const SEARCHED_MESSAGES: &str = "200000";

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// A round trip from the add-on to the host, beside a host that only echoes.
    Bridge,
    /// Agent to agent: time a message, messages a second, start, idle memory.
    Agents,
    /// Search in many messages, beside SQLite's FTS5 on the same rows.
    Search,
    /// Networks of nodes, beside OpenDHT's; what is found in them when nodes die, lie, or crowd beside one key; what a node
    /// needs on disk and in memory, and what its gateway does.
    Overlay,
    /// How soon the certifying authority's letter is at the mail server, how many requests it takes, and how long it takes others to
    /// verify what it has issued.
    Authority,
}

impl Measure {
    /// In the order in which they run.
    pub(crate) const ALL: [Self; 5] = [Self::Agents, Self::Search, Self::Bridge, Self::Overlay, Self::Authority];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Agents => "agents",
            Self::Search => "search",
            Self::Overlay => "overlay",
            Self::Authority => "authority",
        }
    }

    /// Whether it measures the built host; the other one builds a program of its own.
    fn needs_host(self) -> bool {
        !matches!(self, Self::Search)
    }

    /// The measurement of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.name() == name)
    }
}

/// Runs the wanted measurements (all when `only` is empty).
pub(crate) fn bench(place: &Place, only: &[Measure]) -> Result<ExitCode, Failure> {
    let wanted: Vec<Measure> = Measure::ALL
        .into_iter()
        .filter(|one| only.is_empty() || only.contains(one))
        .collect();
    apt::provide(place, &[needs::BUILD])?;
    if wanted.iter().any(|measure| measure.needs_host()) {
        step("build the host for release, as users have it", || {
            visibly(&mut place.cargo(&[
                "build",
                "--release",
                "--locked",
                "--package",
                "corella",
                "--package",
                "corella-ca",
            ]))
        })?;
    }
    for measure in wanted {
        println!("\n== {} ==", measure.name());
        match measure {
            Measure::Agents => agents(place)?,
            Measure::Search => search(place)?,
            Measure::Bridge => bridge(place)?,
            Measure::Overlay => overlay(place)?,
            Measure::Authority => authority(place)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn agents(place: &Place) -> Result<(), Failure> {
    let mut command = place.cargo(&[
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--example",
        "agents_bench",
        "--",
    ]);
    visibly(command.arg(place.release()).arg(place.target().join("bench")))
}

fn search(place: &Place) -> Result<(), Failure> {
    let program = [
        "run",
        "--quiet",
        "--package",
        "corella-transcripts",
        "--example",
        "search_bench",
        "--",
    ];
    visibly(place.cargo(&program).arg(SEARCHED_MESSAGES))
}

fn overlay(place: &Place) -> Result<(), Failure> {
    apt::provide(place, &[needs::YARDSTICK])?;
    let lab = |experiment| {
        // The nodes of the laboratory are measured as users have them, too.
        let mut command = place.cargo(&["run", "--release", "--quiet", "--package", "corella-lab", "--"]);
        command.arg(experiment);
        command
    };
    let chart = place.target().join("bench").join("overlay.svg");
    visibly(lab("bench").arg("--svg").arg(chart))?;
    visibly(&mut lab("faults"))?;
    visibly(&mut lab("attack"))?;
    visibly(lab("capacity").arg("--host").arg(place.release()))
}

fn authority(place: &Place) -> Result<(), Failure> {
    apt::provide(place, &[needs::MAIL])?;
    let python = Python::provide(place)?;
    let mut command = python.command(&["authority_bench.py"]);
    command.current_dir(place.tests());
    visibly(with_built_things(&mut command, place).env("CORELLA_HOST", place.release()))?;
    let program = [
        "run",
        "--release",
        "--quiet",
        "--package",
        "corella-ca",
        "--example",
        "verify_peer",
    ];
    visibly(&mut place.cargo(&program))
}

fn bridge(place: &Place) -> Result<(), Failure> {
    apt::provide(place, &[needs::THUNDERBIRD, needs::DISPLAY])?;
    let python = Python::provide(place)?;
    npm::provide_library(place)?;
    xpi::pack(&place.extension(), &place.xpi())?;
    visibly(&mut place.cargo(&["build", "--quiet", "--package", "xtask", "--example", "bare_host"]))?;
    let mut command = python.command(&["bridge_bench.py"]);
    command
        .current_dir(place.tests())
        .env("BARE_HOST", place.target().join("debug/examples/bare_host"));
    visibly(with_built_things(&mut command, place).env("CORELLA_HOST", place.release()))
}
