//! The control socket: the bridge's methods, one JSON document a line, for `corella search`, `doctor` and the like, and for nobody
//! but the user.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};

use super::Host;
use crate::bridge::{self, Framing, Reader, Session, Writer};

/// How long an answer of a running host may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket's path can have about a hundred bytes only. Where a data directory lies deeper, the kernel's own short name for the
/// open directory leads there.
#[cfg(target_os = "linux")]
fn within_reach(path: &Path) -> io::Result<(PathBuf, Option<std::fs::File>)> {
    use std::os::fd::AsRawFd;
    if path.as_os_str().len() < 100 {
        return Ok((path.to_owned(), None));
    }
    let directory = std::fs::File::open(path.parent().unwrap_or(Path::new("/")))?;
    let name = path.file_name().unwrap_or_default();
    Ok((
        PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name),
        Some(directory),
    ))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn within_reach(path: &Path) -> io::Result<(PathBuf, Option<std::fs::File>)> {
    Ok((path.to_owned(), None))
}

/// Serves the socket for as long as `host` lives. The caller holds the directory's lock, so a socket found there is a dead one.
#[cfg(unix)]
pub(super) fn listen(path: &Path, host: &Arc<Host>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::remove_file(path);
    let (near, _directory) = within_reach(path)?;
    // The directory is the user's only, so nobody can connect before the mode is set.
    let socket = tokio::net::UnixListener::bind(&near)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let host = Arc::downgrade(host);
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let Some(host) = host.upgrade() else { return };
            let (input, output) = stream.into_split();
            let reader = Reader::new(Framing::Lines, input);
            let writer = Writer::new(Framing::Lines, output);
            tokio::spawn(bridge::serve(Session::Open(host), reader, writer, Default::default()));
        }
    });
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn listen(_: &Path, _: &Arc<Host>) -> io::Result<()> {
    Ok(())
}

/// Asks the host that runs on a data directory; `None` if none does.
#[cfg(unix)]
pub(crate) fn call(socket: &Path, method: &str, params: &Value) -> io::Result<Option<Result<Value, Value>>> {
    let (near, _directory) = match within_reach(socket) {
        Ok(near) => near,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut stream = match std::os::unix::net::UnixStream::connect(near) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    stream.write_all(format!("{request}\n").as_bytes())?;
    for line in BufReader::new(stream).lines() {
        let mut answer: Value = serde_json::from_str(&line?).map_err(io::Error::other)?;
        if answer["id"] == 1 {
            let error = answer["error"].take();
            return Ok(Some(if error.is_null() {
                Ok(answer["result"].take())
            } else {
                Err(error)
            }));
        }
    }
    Err(io::Error::other("the running host did not answer"))
}

#[cfg(not(unix))]
pub(crate) fn call(_: &Path, _: &str, _: &Value) -> io::Result<Option<Result<Value, Value>>> {
    Ok(None)
}
