//! `corella install` and `corella uninstall`: the native-messaging manifest, and a copy of this program that stays.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::{Value, json};

use crate::{cli, paths};

/// The name that the add-on connects to.
pub(crate) const HOST_NAME: &str = "org.p2p_sip.corella";
/// The add-on that may connect.
pub(crate) const ADDON_ID: &str = "corella@p2p-sip";

/// Why it could not be done: what failed, on what, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InstallError(String);

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    User,
    System,
}

/// Where a scope keeps the manifest and the program.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) manifest: PathBuf,
    pub(crate) program: PathBuf,
}

impl Places {
    /// The places Thunderbird was seen to read: on Linux `~/.mozilla` and `/usr/lib/mozilla`, on macOS the Mozilla folders.
    pub(crate) fn of(scope: Scope) -> Result<Places, InstallError> {
        if cfg!(windows) {
            return Err(InstallError("installing on Windows is not supported yet".into()));
        }
        let file = format!("{HOST_NAME}.json");
        let home = || paths::home().map_err(|error| InstallError(error.to_string()));
        let macos = cfg!(target_os = "macos");
        let (manifests, programs) = match (scope, macos) {
            (Scope::User, false) => (home()?.join(".mozilla/native-messaging-hosts"), user_programs()?),
            (Scope::User, true) => (home()?.join("Library/Mozilla/NativeMessagingHosts"), user_programs()?),
            (Scope::System, false) => (
                "/usr/lib/mozilla/native-messaging-hosts".into(),
                "/usr/lib/corella".into(),
            ),
            (Scope::System, true) => (
                "/Library/Application Support/Mozilla/NativeMessagingHosts".into(),
                "/Library/Application Support/Corella".into(),
            ),
        };
        Ok(Places {
            manifest: manifests.join(file),
            program: programs.join("corella"),
        })
    }
}

fn user_programs() -> Result<PathBuf, InstallError> {
    paths::data_home()
        .map(|data| data.join("bin"))
        .map_err(|error| InstallError(error.to_string()))
}

/// Registers this program. Returns what was done, in lines for the user.
pub(crate) fn install(scope: Scope) -> Result<Vec<String>, InstallError> {
    let places = Places::of(scope)?;
    let this = std::env::current_exe()
        .and_then(|p| p.canonicalize())
        .map_err(|e| InstallError(e.to_string()))?;
    if places.program.canonicalize().ok().as_deref() != Some(&this) {
        replace(
            &places.program,
            &fs::read(&this).map_err(|e| failed("read", &this, &e))?,
            0o755,
        )?;
    }
    let manifest = json!({
        "name": HOST_NAME,
        "description": "Corella: peer-to-peer SIP chat in Thunderbird",
        "path": places.program,
        "type": "stdio",
        "allowed_extensions": [ADDON_ID],
    });
    replace(&places.manifest, format!("{manifest:#}\n").as_bytes(), 0o644)?;
    Ok(vec![
        format!("The program is at {}", places.program.display()),
        format!("Thunderbird finds it by {}", places.manifest.display()),
        "Start Thunderbird again, or disable and enable the Corella add-on.".into(),
    ])
}

/// Removes what [`install`] made, and with `purge` the keys and transcripts too.
pub(crate) fn uninstall(scope: Scope, purge: bool) -> Result<Vec<String>, InstallError> {
    let places = Places::of(scope)?;
    let data = paths::data_home().map_err(|e| InstallError(e.to_string()))?;
    let running = running_hosts(&data);
    if let (Scope::User, true, Some(profile)) = (scope, purge, running.first()) {
        return Err(InstallError(format!(
            "Corella is running and writes to {}: quit Thunderbird, and whatever else runs it, first",
            profile.display()
        )));
    }
    let mut lines = Vec::new();
    for path in [&places.manifest, &places.program] {
        match fs::remove_file(path) {
            Ok(()) => lines.push(format!("Removed {}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("remove", path, &error)),
        }
    }
    if scope == Scope::User {
        if purge && data.exists() {
            fs::remove_dir_all(&data).map_err(|e| failed("remove", &data, &e))?;
            lines.push(format!("Removed {}", data.display()));
        }
        let meeting_place = paths::meeting_place();
        if running.is_empty() && meeting_place.is_dir() {
            fs::remove_dir_all(&meeting_place).map_err(|e| failed("remove", &meeting_place, &e))?;
        }
        remove_if_empty(&places.program, 2);
        remove_if_empty(&places.manifest, 2);
        if data.exists() {
            lines.push(format!(
                "Your keys and conversations stay in {} (--purge removes them too)",
                data.display()
            ));
        }
    } else {
        remove_if_empty(&places.program, 1);
    }
    if lines.is_empty() {
        lines.push("Nothing was installed.".into());
    }
    Ok(lines)
}

/// The directories of profiles below `data`.
pub(crate) fn profiles(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.join("lock").exists()).collect();
    found.sort();
    found
}

fn running_hosts(data: &Path) -> Vec<PathBuf> {
    profiles(data)
        .into_iter()
        .filter(|p| crate::lock::is_held(&p.join("lock")))
        .collect()
}

/// Removes up to `levels` empty directories above `path`.
fn remove_if_empty(path: &Path, levels: usize) {
    for directory in path.ancestors().skip(1).take(levels) {
        // A directory that is not empty is somebody else's too.
        if fs::remove_dir(directory).is_err() {
            return;
        }
    }
}

/// Writes beside the target and renames, so that a running program is never written into and a half file never read.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), InstallError> {
    let Some(directory) = path.parent() else {
        return Err(InstallError("no directory".into()));
    };
    fs::create_dir_all(directory).map_err(|e| failed("make", directory, &e))?;
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes).map_err(|e| failed("write", &fresh, &e))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(mode)).map_err(|e| failed("make usable", &fresh, &e))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    fs::rename(&fresh, path).map_err(|e| failed("write", path, &e))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> InstallError {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "; run it as root for --system, or look at who owns the folder",
        io::ErrorKind::StorageFull => "; the disk is full",
        _ => "",
    };
    InstallError(format!("cannot {what} {}: {error}{hint}", path.display()))
}

/// Reads a manifest: the program it names, if it is one of ours.
pub(crate) fn read_manifest(path: &Path) -> Result<Option<PathBuf>, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    let broken = || format!("{} is not a manifest for Corella", path.display());
    let manifest: Value = serde_json::from_str(&text).map_err(|_| broken())?;
    let allowed = manifest["allowed_extensions"]
        .as_array()
        .is_some_and(|a| a.contains(&ADDON_ID.into()));
    match manifest["path"]
        .as_str()
        .filter(|_| allowed && manifest["name"] == HOST_NAME && manifest["type"] == "stdio")
    {
        Some(program) => Ok(Some(PathBuf::from(program))),
        None => Err(broken()),
    }
}

/// `corella install`.
pub(crate) fn run_install(system: bool) -> ExitCode {
    say(install(scope(system)))
}

/// `corella uninstall`.
pub(crate) fn run_uninstall(system: bool, purge: bool) -> ExitCode {
    say(uninstall(scope(system), purge))
}

fn scope(system: bool) -> Scope {
    if system { Scope::System } else { Scope::User }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn say(result: Result<Vec<String>, InstallError>) -> ExitCode {
    match result {
        Ok(lines) => {
            println!("{}", lines.join("\n"));
            ExitCode::SUCCESS
        }
        Err(error) => cli::failed(&error.to_string()),
    }
}
