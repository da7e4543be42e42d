//! Addresses of servers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::{PathAndQuery, Scheme};
use thiserror::Error;

/// An http or https address with a host, and without a user's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebUrl(Uri);

/// The text is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no address on the web: write http://HOST:PORT or https://HOST:PORT, without a user's name")]
pub struct UrlError;

impl WebUrl {
    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether it is an https address.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    /// Whether it is on this machine, by its number.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Its path: at least `/`.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The same server at another path, which begins with `/`.
    ///
    /// # Errors
    /// `path` cannot stand in an address.
    pub fn at(&self, path: &str) -> Result<Self, UrlError> {
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(path).map_err(|_| UrlError)?);
        Uri::from_parts(parts).map(Self).map_err(|_| UrlError)
    }
}

impl FromStr for WebUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.trim().parse().map_err(|_| UrlError)?;
        let scheme = uri.scheme().ok_or(UrlError)?;
        let authority = uri.authority().ok_or(UrlError)?;
        let known = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
        if !known || authority.host().is_empty() || authority.as_str().contains('@') {
            return Err(UrlError);
        }
        Ok(Self(uri))
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> WebUrl {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_put_in_place_of_others() {
        let server = url(" https://ca.example.net:8443/x?y ");
        assert_eq!((server.path(), server.is_secure()), ("/x", true));
        assert_eq!(
            server.at("/chain.pem").unwrap().to_string(),
            "https://ca.example.net:8443/chain.pem"
        );
        assert_eq!(server.at("/a b"), Err(UrlError));
        assert_eq!(url("http://ca.example.net").path(), "/");
    }

    #[test]
    fn what_is_on_this_machine_is_so_by_its_number() {
        for (text, here) in [
            ("http://127.0.0.1:80/", true),
            ("http://[::1]:80/", true),
            ("http://192.0.2.1/", false),
            ("http://localhost/", false),
            ("http://127.0.0.1.example.net/", false),
        ] {
            assert_eq!(url(text).is_loopback(), here, "{text}");
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
            assert_eq!(text.parse::<WebUrl>(), Err(UrlError), "{text}");
        }
    }
}
