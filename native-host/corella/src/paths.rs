//! Where things are on this system.

use std::{
    io,
    path::{Path, PathBuf},
};

/// The user's home.
pub(crate) fn home() -> io::Result<PathBuf> {
    std::env::home_dir()
        .filter(|home| home.is_absolute())
        .ok_or_else(|| io::Error::other("no home directory is known; set HOME"))
}

/// `$VARIABLE`, if it holds an absolute path, as the XDG base directory rules ask.
fn xdg(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// Below it each profile has its data.
pub(crate) fn data_home() -> io::Result<PathBuf> {
    let base = if cfg!(target_os = "macos") {
        home()?.join("Library/Application Support")
    } else if cfg!(windows) {
        std::env::var_os("LOCALAPPDATA")
            .map(PathBuf::from)
            .map_or_else(|| home().map(|h| h.join("AppData/Local")), Ok)?
    } else {
        xdg("XDG_DATA_HOME").map_or_else(|| home().map(|home| home.join(".local/share")), Ok)?
    };
    Ok(base.join("corella"))
}

/// The user's settings, if any.
pub(crate) fn config_file() -> io::Result<PathBuf> {
    let base = if cfg!(any(target_os = "macos", windows)) {
        return Ok(data_home()?.join("config.toml"));
    } else {
        xdg("XDG_CONFIG_HOME").map_or_else(|| home().map(|home| home.join(".config")), Ok)?
    };
    Ok(base.join("corella/config.toml"))
}

/// Where the agents of one machine leave their addresses for each other: the user's runtime directory, or without one a directory
/// of the user's own in the system's place for temporary files.
pub(crate) fn meeting_place() -> PathBuf {
    match xdg("XDG_RUNTIME_DIR") {
        Some(runtime) => runtime.join("corella"),
        None => std::env::temp_dir().join(format!("corella-{}", user_id())),
    }
}

#[cfg(unix)]
fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn user_id() -> String {
    std::env::var("USERNAME").unwrap_or_default()
}

/// The places in one data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory, for its owner only; one that is there becomes so.
    pub(crate) fn create(path: &Path) -> io::Result<DataDir> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        #[cfg(unix)]
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(DataDir(path.canonicalize()?))
    }

    /// An existing one.
    pub(crate) fn existing(path: &Path) -> io::Result<DataDir> {
        Ok(DataDir(path.canonicalize()?))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    pub(crate) fn transcripts(&self) -> PathBuf {
        self.0.join("transcripts")
    }

    pub(crate) fn roster(&self) -> PathBuf {
        self.0.join("roster.db")
    }

    /// The records of others that this device keeps for the overlay.
    pub(crate) fn records(&self) -> PathBuf {
        self.0.join("overlay.sqlite")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn control(&self) -> PathBuf {
        self.0.join("control.sock")
    }
}
