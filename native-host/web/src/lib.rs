//! Requests to servers on the web: each with a time limit and a limit for the answer, over connections that are kept.
//!
//! No redirections, cookies or proxies: whoever asks names the server, and nobody else is asked.

#![forbid(unsafe_code)]

mod error;
mod url;

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Pool, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use error::WebError;
pub use hyper::{Method, StatusCode};
pub use url::{UrlError, WebUrl};

/// For a connection to stand.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a connection is kept that is not used: less than servers keep it, so that none is lost on the way.
const KEEP_TIME: Duration = Duration::from_secs(15);
/// Connections that are kept to one server.
const KEEP: usize = 4;

type Body = Full<Bytes>;

/// What is asked.
#[derive(Debug)]
pub struct Asked {
    method: Method,
    content_type: Option<&'static str>,
    body: Vec<u8>,
}

impl Asked {
    /// Something is to be read.
    pub fn get() -> Self {
        Self {
            method: Method::GET,
            content_type: None,
            body: Vec::new(),
        }
    }

    /// Something is given.
    pub fn post(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: Method::POST,
            content_type: Some(content_type),
            body: body.into(),
        }
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

/// Asks servers. Cloning it is not needed: requests take it shared.
pub struct WebClient {
    plain: Pool<HttpConnector, Body>,
    /// Made when the first https server is asked: it reads the system's certificates.
    secure: OnceLock<Pool<HttpsConnector<HttpConnector>, Body>>,
    time: Duration,
    limit: usize,
}

impl WebClient {
    /// A client whose requests may take `time`, from the first byte to the last of the answer, whose body has at most
    /// `limit` bytes.
    pub fn new(time: Duration, limit: usize) -> Self {
        Self {
            plain: pool().build(connector()),
            secure: OnceLock::new(),
            time,
            limit,
        }
    }

    /// Asks a server, and gives what it answers, whatever its status.
    ///
    /// # Errors
    /// There is no whole answer; [`WebError`] says why.
    pub async fn ask(&self, url: &WebUrl, asked: Asked) -> Result<Answer, WebError> {
        match tokio::time::timeout(self.time, self.exchange(url, asked)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(WebError::Time(self.time)),
        }
    }

    async fn exchange(&self, url: &WebUrl, asked: Asked) -> Result<Answer, WebError> {
        let mut request = Request::new(Full::new(Bytes::from(asked.body)));
        *request.method_mut() = asked.method;
        *request.uri_mut() = url.uri().clone();
        let headers = request.headers_mut();
        if let Some(content_type) = asked.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let agent = HeaderValue::from_static(concat!("corella/", env!("CARGO_PKG_VERSION")));
        headers.insert(USER_AGENT, agent);
        let response = self
            .send(url, request)?
            .await
            .map_err(|error| WebError::from_pool(&error))?;
        let status = response.status();
        match Limited::new(response.into_body(), self.limit).collect().await {
            Ok(body) => Ok(Answer {
                status,
                body: body.to_bytes(),
            }),
            Err(error) if error.is::<LengthLimitError>() => Err(WebError::TooLong(self.limit)),
            Err(error) => Err(WebError::broken(&*error)),
        }
    }

    fn send(&self, url: &WebUrl, request: Request<Body>) -> Result<ResponseFuture, WebError> {
        if !url.is_secure() {
            return Ok(self.plain.request(request));
        }
        if let Some(pool) = self.secure.get() {
            return Ok(pool.request(request));
        }
        let made = secure_connector().map(|connector| pool().build(connector))?;
        Ok(self.secure.get_or_init(|| made).request(request))
    }
}

fn pool() -> hyper_util::client::legacy::Builder {
    let mut pool = Pool::builder(TokioExecutor::new());
    pool.timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEEP_TIME)
        .pool_max_idle_per_host(KEEP);
    pool
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIME));
    connector.set_nodelay(true);
    connector
}

/// The provider is named: others are linked into the program, and none is everybody's.
fn secure_connector() -> Result<HttpsConnector<HttpConnector>, WebError> {
    let mut connector = connector();
    connector.enforce_http(false);
    let builder = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(WebError::Certificates)?;
    Ok(builder.https_only().enable_http1().wrap_connector(connector))
}
