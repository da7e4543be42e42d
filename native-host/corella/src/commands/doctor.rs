//! `corella doctor`: what is wrong, and the one thing to do about it.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use corella_identity::keystore::Keystore;
use corella_transcripts::Transcripts;
use serde::Serialize;
use serde_json::json;

use super::install::{self, Places, Scope};
use crate::{config::Config, host, lock, paths, protocol::VERSION, roster::Roster};

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    found: String,
    /// The one thing to do, when it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Check {
    fn well(name: &'static str, found: impl Into<String>) -> Check {
        Check {
            name,
            ok: true,
            found: found.into(),
            remedy: None,
        }
    }

    fn ill(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check {
            name,
            ok: false,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }
}

pub(crate) fn run(as_json: bool) -> ExitCode {
    let mut checks = vec![registration(), thunderbird(), settings()];
    checks.extend(profiles());
    let ok = checks.iter().all(|c| c.ok);
    print(&checks, ok, as_json);
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn print(checks: &[Check], ok: bool, as_json: bool) {
    if as_json {
        println!("{}", json!({ "ok": ok, "version": VERSION, "checks": checks }));
        return;
    }
    for check in checks {
        println!(
            "{} {}: {}",
            if check.ok { "ok     " } else { "PROBLEM" },
            check.name,
            check.found
        );
        if let Some(remedy) = &check.remedy {
            println!("        -> {remedy}");
        }
    }
    println!(
        "{}",
        if ok {
            "All is well."
        } else {
            "Something needs attention."
        }
    );
}

/// Thunderbird finds a program of this version by a manifest.
fn registration() -> Check {
    const NAME: &str = "registration";
    const INSTALL: &str = "run: corella install";
    for scope in [Scope::User, Scope::System] {
        let places = match Places::of(scope) {
            Ok(places) => places,
            Err(error) => return Check::ill(NAME, error.to_string(), INSTALL),
        };
        let program = match install::read_manifest(&places.manifest) {
            Ok(None) => continue,
            Ok(Some(program)) => program,
            Err(what) => return Check::ill(NAME, what, INSTALL),
        };
        let manifest = places.manifest.display();
        return match version_of(&program) {
            Some(version) if version == VERSION => {
                Check::well(NAME, format!("{manifest} leads to {} {version}", program.display()))
            }
            Some(version) => Check::ill(
                NAME,
                format!("{manifest} leads to version {version}, and this is {VERSION}"),
                INSTALL,
            ),
            None => Check::ill(
                NAME,
                format!("{manifest} leads to {}, which does not run", program.display()),
                INSTALL,
            ),
        };
    }
    Check::ill(NAME, "Thunderbird does not know Corella", INSTALL)
}

fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().strip_prefix("corella ").map(str::to_owned)
}

fn thunderbird() -> Check {
    const NAME: &str = "thunderbird";
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).map(|p| p.join("thunderbird")).collect();
    places.push("/Applications/Thunderbird.app/Contents/MacOS/thunderbird".into());
    let Some(found) = places.into_iter().find(|p| p.is_file()) else {
        let flatpak = Path::new("/var/lib/flatpak/app/org.mozilla.Thunderbird").exists();
        let remedy = if flatpak {
            "the Flatpak build cannot start programs like Corella: install your system's own thunderbird package"
        } else {
            "install Thunderbird"
        };
        return Check::ill(NAME, "not found", remedy);
    };
    match found.canonicalize() {
        Ok(real) if real.starts_with("/snap") || real.ends_with("snap") => Check::ill(
            NAME,
            "a Snap build, which cannot start programs like Corella",
            "install your system's own thunderbird package",
        ),
        _ => Check::well(NAME, found.display().to_string()),
    }
}

fn settings() -> Check {
    const NAME: &str = "settings";
    let path = match paths::config_file() {
        Ok(path) => path,
        Err(error) => return Check::ill(NAME, error.to_string(), "set HOME"),
    };
    let read = Config::read(&path).and_then(|config| config.network().map(drop).and(config.anchors().map(drop)));
    match read {
        Err(error) => Check::ill(NAME, error.to_string(), format!("mend or remove {}", path.display())),
        Ok(()) if path.exists() => Check::well(NAME, path.display().to_string()),
        Ok(()) => Check::well(NAME, "the defaults"),
    }
}

/// Each profile: its store opens, and a host that runs on it is on line.
fn profiles() -> Vec<Check> {
    let found = paths::data_home()
        .map(|home| install::profiles(&home))
        .unwrap_or_default();
    if found.is_empty() {
        return vec![Check::well("profile", "none yet; the add-on makes one")];
    }
    found.iter().map(|path| profile(path)).collect()
}

fn profile(path: &Path) -> Check {
    const NAME: &str = "profile";
    let Ok(data) = paths::DataDir::existing(path) else {
        return Check::ill(
            NAME,
            format!("{} cannot be opened", path.display()),
            "look at who owns it",
        );
    };
    if let Some(open) = open_to_others(path) {
        return Check::ill(
            NAME,
            format!("{} can be read by others", open.display()),
            format!("run: chmod -R go= {}", path.display()),
        );
    }
    if lock::is_held(&data.lock()) {
        return match host::call_running(&data.control(), "status", &json!({})) {
            Ok(Some(Ok(status))) if status["online"] == true => {
                let found = format!("{} is on line with {} peers", path.display(), status["peers"]);
                Check::well(NAME, found)
            }
            Ok(Some(Ok(status))) if status["addresses"].as_array().is_some_and(Vec::is_empty) => {
                Check::well(NAME, format!("{} runs, and no address was chosen yet", path.display()))
            }
            Ok(Some(_)) => Check::ill(
                NAME,
                format!("{} runs, and is not on line", path.display()),
                "look at the network, and at bootstrap in the settings",
            ),
            Ok(None) | Err(_) => Check::ill(
                NAME,
                format!("{} runs, and does not answer", path.display()),
                "start Thunderbird again",
            ),
        };
    }
    if let Err(what) = keys_and_roster(&data) {
        return Check::ill(
            NAME,
            format!("{}: {what}", path.display()),
            "restore what is damaged from a backup, or move it away to start anew",
        );
    }
    if !data.transcripts().exists() {
        return Check::well(NAME, format!("{} has no conversations", path.display()));
    }
    match Transcripts::open_read_only(data.transcripts()).map(|t| t.conversations().map(|c| c.len())) {
        Ok(Ok(count)) => Check::well(NAME, format!("{} has {count} conversations", path.display())),
        Ok(Err(error)) | Err(error) => Check::ill(
            NAME,
            format!("{}: {error}", path.display()),
            "restore the folder from a backup",
        ),
    }
}

/// What a host reads at its start can be read.
fn keys_and_roster(data: &paths::DataDir) -> Result<(), String> {
    let in_words = |error: &dyn std::fmt::Display| error.to_string();
    if data.keys().exists() {
        Keystore::open(data.keys())
            .and_then(|keys| keys.check())
            .map_err(|e| in_words(&e))?;
    }
    if data.roster().exists() {
        let roster = Roster::open(&data.roster()).map_err(|e| in_words(&e))?;
        roster.buddies().map_err(|e| in_words(&e))?;
    }
    Ok(())
}

/// The first file of a profile that not only its owner can read.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let places = [
        path.to_owned(),
        path.join("keys"),
        path.join("transcripts"),
        path.join("roster.db"),
    ];
    places
        .into_iter()
        .find(|p| p.metadata().is_ok_and(|m| m.permissions().mode() & 0o077 != 0))
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<PathBuf> {
    None
}
