//! Addresses of gateways.

use std::fmt;
use std::str::FromStr;

use corella_web::WebUrl;
use thiserror::Error;

/// The path if none is given.
const PATH: &str = "/RPC2";

/// Where a gateway is: `http://192.0.2.1:5852/RPC2`. The path may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatewayUrl(WebUrl);

/// The text is no gateway's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no gateway's address: write http://HOST:PORT or https://HOST:PORT, without a user's name")]
pub struct UrlError;

impl GatewayUrl {
    pub(super) fn url(&self) -> &WebUrl {
        &self.0
    }
}

impl FromStr for GatewayUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url: WebUrl = text.parse().map_err(|_| UrlError)?;
        let has_path = url.path() != "/";
        Ok(Self(if has_path {
            url
        } else {
            url.at(PATH).map_err(|_| UrlError)?
        }))
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_may_be_left_out() {
        for (text, whole) in [
            ("http://192.0.2.1:5852", "http://192.0.2.1:5852/RPC2"),
            (" http://[::1]:5852/ ", "http://[::1]:5852/RPC2"),
            ("https://gateway.example.net", "https://gateway.example.net/RPC2"),
            ("http://gateway.example.net/xmlrpc", "http://gateway.example.net/xmlrpc"),
        ] {
            assert_eq!(text.parse::<GatewayUrl>().unwrap().to_string(), whole);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "192.0.2.1:5852", "ftp://192.0.2.1/", "http://alice@192.0.2.1/"] {
            assert_eq!(text.parse::<GatewayUrl>(), Err(UrlError), "{text}");
        }
    }
}
