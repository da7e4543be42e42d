//! `config.toml`: settings for hosts that Thunderbird starts, which get no arguments of ours. Every key may be left out.

use std::path::{Path, PathBuf};

use corella_identity::trust::TrustAnchors;
use corella_overlay::storing::Limits;
use libp2p::Multiaddr;
use serde::Deserialize;

use crate::{authority::AuthorityUrl, paths};

/// The settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Addresses to listen at; all interfaces, any port, if none are given.
    listen: Vec<String>,
    /// Nodes to join the overlay by.
    bootstrap: Vec<String>,
    /// Whether to find agents in the local network by multicast; yes if not given.
    mdns: Option<bool>,
    /// A PEM file of authorities to trust.
    trust: Option<PathBuf>,
    /// Where to ask for certificates: an authority whose root is in `trust`.
    authority: Option<String>,
    /// How much is kept of others' records, in MiB.
    storage: Option<u32>,
}

/// How an agent or node takes part in the overlay.
#[derive(Debug, Clone)]
pub(crate) struct NetworkSettings {
    pub(crate) listen: Vec<Multiaddr>,
    pub(crate) bootstrap: Vec<Multiaddr>,
    pub(crate) mdns: bool,
    /// The folder where agents of this machine meet, if they shall.
    pub(crate) meeting_place: Option<PathBuf>,
    /// How much is kept of others' records.
    pub(crate) storing: Limits,
}

/// The limits of a storage of so many MiB.
pub(crate) fn storage(mebibytes: Option<u32>) -> Limits {
    mebibytes.map_or_else(Limits::default, |mebibytes| Limits {
        bytes: u64::from(mebibytes) << 20,
    })
}

/// Settings that cannot be used: which, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(pub(crate) String);

impl Config {
    /// Reads the file; a missing one is an empty one.
    pub(crate) fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
            Err(error) => return Err(ConfigError(format!("{} cannot be read: {error}", path.display()))),
        };
        toml::from_str(&text).map_err(|error| ConfigError(format!("{}: {}", path.display(), error.message())))
    }

    /// The network part.
    pub(crate) fn network(&self) -> Result<NetworkSettings, ConfigError> {
        let listen = addresses("listen", &self.listen)?;
        Ok(NetworkSettings {
            listen: if listen.is_empty() {
                addresses("listen", &everywhere())?
            } else {
                listen
            },
            bootstrap: addresses("bootstrap", &self.bootstrap)?,
            mdns: self.mdns.unwrap_or(true),
            meeting_place: Some(paths::meeting_place()),
            storing: storage(self.storage),
        })
    }

    /// Who is asked for certificates.
    pub(crate) fn authority(&self) -> Result<Option<AuthorityUrl>, ConfigError> {
        let url = self.authority.as_deref().map(str::parse).transpose();
        url.map_err(|error: String| ConfigError(format!("authority: {error}")))
    }

    /// The authorities to trust.
    pub(crate) fn anchors(&self) -> Result<TrustAnchors, ConfigError> {
        self.trust
            .as_deref()
            .map_or_else(|| Ok(TrustAnchors::none()), read_anchors)
    }
}

/// Authorities from a PEM file.
pub(crate) fn read_anchors(path: &Path) -> Result<TrustAnchors, ConfigError> {
    let pem = std::fs::read(path).map_err(|e| ConfigError(format!("{} cannot be read: {e}", path.display())))?;
    TrustAnchors::from_pem(&pem).map_err(|e| ConfigError(format!("{}: {e}", path.display())))
}

/// Multiaddrs from texts.
pub(crate) fn addresses(what: &str, texts: &[String]) -> Result<Vec<Multiaddr>, ConfigError> {
    texts
        .iter()
        .map(|t| {
            t.parse()
                .map_err(|e| ConfigError(format!("{what}: {t:?} is no multiaddr: {e}")))
        })
        .collect()
}

/// All interfaces, any port, both transports.
pub(crate) fn everywhere() -> Vec<String> {
    [
        "/ip4/0.0.0.0/udp/0/quic-v1",
        "/ip4/0.0.0.0/tcp/0",
        "/ip6/::/udp/0/quic-v1",
        "/ip6/::/tcp/0",
    ]
    .map(str::to_owned)
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn a_missing_file_means_the_defaults() {
        let network = Config::read(Path::new("/nonexistent/config.toml"))
            .unwrap()
            .network()
            .unwrap();
        assert!(network.mdns && network.bootstrap.is_empty() && network.listen.len() == 4);
    }

    #[test]
    fn what_is_given_counts_and_what_is_wrong_is_named() {
        let config = read("listen = ['/ip4/127.0.0.1/tcp/0']\nmdns = false\n").unwrap();
        let network = config.network().unwrap();
        assert!(!network.mdns && network.listen.len() == 1);
        assert!(read("lisen = []").unwrap_err().to_string().contains("lisen"));
        assert!(
            read("bootstrap = ['x']")
                .unwrap()
                .network()
                .unwrap_err()
                .to_string()
                .contains("bootstrap")
        );
    }
}
