//! The settings, in `ca.toml` in the authority's folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use corella_gateway::GatewayUrl;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::authority::{AuthorityError, read};
use crate::letters::SmtpSettings;
use crate::limits::Limits;

/// Its name in the authority's folder.
pub const FILE: &str = "ca.toml";
/// Longest name and longest address of the authority.
const LONGEST: usize = 100;

/// Why the settings cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] AuthorityError),
    /// It is not as it should be.
    #[error("{} is not as it should be: {why}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// How the authority serves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What people read in letters and certificates.
    pub name: String,
    /// Where people reach it, `https://ca.example.net`.
    pub url: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// HTTPS with this certificate and key; without, HTTP, for a proxy in front of it.
    pub tls: Option<TlsFiles>,
    /// Whether a proxy in front of it says in `X-Forwarded-For` where requests come from.
    #[serde(default)]
    pub behind_proxy: bool,
    /// The mail server.
    pub smtp: SmtpSettings,
    /// The gateway of a node of the overlay, `http://192.0.2.1:5852`, which is told what is revoked.
    #[serde(default, deserialize_with = "gateway")]
    pub gateway: Option<GatewayUrl>,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
}

fn gateway<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<GatewayUrl>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Files in PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Config {
    /// Reads the settings of the authority in a folder.
    ///
    /// # Errors
    /// There are none, or they are not as they should be.
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join(FILE);
        let text = read(&path)?;
        Self::parse(&text).map_err(|why| ConfigError::Wrong { path, why })
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is no UTF-8".to_owned())?;
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let is_address = |url: &str| {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            rest.is_some_and(|rest| !rest.is_empty()) && url.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !is_address(&config.url) || config.url.len() > LONGEST {
            return Err(format!(
                "url is to begin with https:// or http:// and to have at most {LONGEST} characters"
            ));
        }
        if config.name.is_empty() || config.name.len() > LONGEST || config.name.contains(char::is_control) {
            return Err(format!("name is to have 1 to {LONGEST} characters, in one line"));
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "Example"
url = "https://ca.example.net"
listen = "127.0.0.1:8000"
[smtp]
host = "mail.example.net"
port = 587
from = "ca@example.net"
"#;

    #[test]
    fn settings_are_read_and_wrong_ones_are_said_to_be_so() {
        let config = Config::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(
            (config.behind_proxy, config.limits.per_network),
            (false, Limits::default().per_network)
        );
        for (good, bad, word) in [
            ("https://ca.example.net", "ca.example.net", "url"),
            ("https://ca.example.net", "https://ca.example.net/a b", "url"),
            ("\"Example\"", "\"a\\nb\"", "name"),
            ("port = 587", "port = 587\ncolour = 1", "colour"),
            ("127.0.0.1:8000", "nowhere", "listen"),
            ("[smtp]", "gateway = \"node.example.net\"\n[smtp]", "gateway"),
        ] {
            let why = Config::parse(GOOD.replace(good, bad).as_bytes()).unwrap_err();
            assert!(why.contains(word), "{why}");
        }
    }
}
