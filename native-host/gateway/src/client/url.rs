//! Addresses of gateways.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::{PathAndQuery, Scheme};
use thiserror::Error;

/// The path if none is given.
const PATH: &str = "/RPC2";

/// Where a gateway is: `http://192.0.2.1:5852/RPC2`. The path may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatewayUrl(Uri);

/// The text is no gateway's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no gateway's address: write http://HOST:PORT or https://HOST:PORT, without a user's name")]
pub struct UrlError;

impl GatewayUrl {
    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether it is an https address.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }
}

impl FromStr for GatewayUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.trim().parse().map_err(|_| UrlError)?;
        let mut parts = uri.into_parts();
        let scheme = parts.scheme.as_ref().ok_or(UrlError)?;
        let authority = parts.authority.as_ref().ok_or(UrlError)?;
        let known = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
        if !known || authority.host().is_empty() || authority.as_str().contains('@') {
            return Err(UrlError);
        }
        if parts.path_and_query.as_ref().is_none_or(|path| path == "/") {
            parts.path_and_query = Some(PathAndQuery::from_static(PATH));
        }
        Uri::from_parts(parts).map(Self).map_err(|_| UrlError)
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
        for text in [
            "",
            "gateway.example.net",
            "192.0.2.1:5852",
            "/RPC2",
            "ftp://192.0.2.1/",
            "http://",
            "http:///RPC2",
            "http://alice@192.0.2.1/",
            "http://a b/",
        ] {
            assert_eq!(text.parse::<GatewayUrl>(), Err(UrlError), "{text}");
        }
    }
}
