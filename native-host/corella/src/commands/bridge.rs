//! Started by Thunderbird: the bridge on stdin and stdout.

use std::{ffi::OsString, path::Path, process::ExitCode};

use futures::FutureExt;

use super::{install::ADDON_ID, serve};
use crate::{
    bridge::{Framing, Reader, Session, Writer},
    config::Config,
    host::{Host, HostSettings},
    paths,
    protocol::{ErrorName, RpcError},
};

/// Thunderbird starts a host with the manifest's path and the add-on's id as arguments.
pub(crate) fn started_by_thunderbird(arguments: &[OsString]) -> bool {
    matches!(arguments, [_, manifest, addon, ..] if Path::new(manifest).extension().is_some_and(|e| e == "json") && addon == ADDON_ID)
}

/// Serves the add-on until it is gone.
pub(crate) fn run() -> ExitCode {
    serve::on_runtime(|end| async move {
        let opener = Box::new(|profile: String| async move { open(&profile) }.boxed());
        let reader = Reader::new(Framing::Native, tokio::io::stdin());
        let writer = Writer::new(Framing::Native, tokio::io::stdout());
        super::agent::until_the_end(Session::Closed(opener), reader, writer, end).await
    })
}

fn open(profile: &str) -> Result<std::sync::Arc<Host>, RpcError> {
    let store = |error: String| RpcError::new(ErrorName::Store, error);
    let data = paths::data_home().map_err(|e| store(e.to_string()))?.join(profile);
    let config = paths::config_file().map_err(|e| store(e.to_string()))?;
    let config = Config::read(&config).map_err(|e| store(e.to_string()))?;
    let settings = HostSettings {
        network: config.network().map_err(|e| store(e.to_string()))?,
        anchors: config.anchors().map_err(|e| store(e.to_string()))?,
        gateway: None,
        authority: config.authority().map_err(|e| store(e.to_string()))?,
        accept_everyone: false,
    };
    Host::open(&data, settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thunderbirds_way_of_starting_is_known() {
        let start =
            |arguments: &[&str]| started_by_thunderbird(&arguments.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(start(&[
            "/x/corella",
            "/home/a/.mozilla/native-messaging-hosts/org.p2p_sip.corella.json",
            ADDON_ID
        ]));
        assert!(!start(&["corella", "search", "x"]));
        assert!(!start(&["corella", "x.json", "other@addon"]));
        assert!(!start(&["corella"]));
    }
}
