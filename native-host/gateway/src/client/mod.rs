//! The client: calls to any gateway that speaks XML-RPC, over connections that are kept.

mod error;
mod url;

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Pool, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use error::{CallError, Reason};
pub use url::{GatewayUrl, UrlError};

use crate::xmlrpc::{Value, read_response, write_call};

/// Longest response in bytes.
pub const RESPONSE_LIMIT: usize = 1024 * 1024;
/// For a call, from its first byte to the last of its answer. A gateway asks nodes, some of which do not answer.
const CALL_TIME: Duration = Duration::from_secs(30);
/// For a connection to stand.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a connection is kept that is not used: less than servers keep it, so that none is lost on the way.
const KEEP_TIME: Duration = Duration::from_secs(15);
/// Connections that are kept to one gateway.
const KEEP: usize = 4;

type Body = Full<Bytes>;

/// Calls gateways. Cloning it is not needed: calls take it shared.
pub struct Client {
    plain: Pool<HttpConnector, Body>,
    /// Made when the first https gateway is called: it reads the system's certificates.
    secure: OnceLock<Pool<HttpsConnector<HttpConnector>, Body>>,
    call_time: Duration,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(CALL_TIME)
    }
}

impl Client {
    /// A client whose calls may take so long.
    pub fn new(call_time: Duration) -> Self {
        Self {
            plain: pool().build(connector()),
            secure: OnceLock::new(),
            call_time,
        }
    }

    /// Calls a method and gives what it answers.
    ///
    /// # Errors
    /// [`CallError`] says what failed, of which method and where; its [`Reason`] tells apart a fault that the gateway
    /// answered with and a gateway that cannot be used.
    pub async fn call(&self, gateway: &GatewayUrl, method: &str, params: &[Value]) -> Result<Value, CallError> {
        let called = self.exchange(gateway, method, params);
        let outcome = match tokio::time::timeout(self.call_time, called).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Reason::Time(self.call_time)),
        };
        outcome.map_err(|reason| CallError::new(gateway, method, reason))
    }

    async fn exchange(&self, gateway: &GatewayUrl, method: &str, params: &[Value]) -> Result<Value, Reason> {
        let mut request = Request::new(Full::new(Bytes::from(write_call(method, params))));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = gateway.uri().clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("corella/", env!("CARGO_PKG_VERSION"))),
        );
        let response = self
            .send(gateway, request)?
            .await
            .map_err(|error| Reason::from_pool(&error))?;
        if response.status() != StatusCode::OK {
            return Err(Reason::Status(response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), RESPONSE_LIMIT);
        let bytes = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Reason::TooLong),
            Err(error) => return Err(Reason::broken(&*error)),
        };
        read_response(&bytes)
            .map_err(Reason::Unreadable)?
            .map_err(Reason::Fault)
    }

    fn send(&self, gateway: &GatewayUrl, request: Request<Body>) -> Result<ResponseFuture, Reason> {
        if !gateway.is_secure() {
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
fn secure_connector() -> Result<HttpsConnector<HttpConnector>, Reason> {
    let mut connector = connector();
    connector.enforce_http(false);
    let builder = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(Reason::Certificates)?;
    Ok(builder.https_only().enable_http1().wrap_connector(connector))
}
