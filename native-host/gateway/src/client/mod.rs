//! The client: calls to any gateway that speaks XML-RPC, over connections that are kept.

mod error;
mod url;

use std::time::Duration;

use corella_web::{Asked, StatusCode, WebClient};

pub use error::{CallError, Reason};
pub use url::{GatewayUrl, UrlError};

use crate::xmlrpc::{Value, read_response, write_call};

/// Longest response in bytes.
pub const RESPONSE_LIMIT: usize = 1024 * 1024;
/// For a call, from its first byte to the last of its answer. A gateway asks nodes, some of which do not answer.
const CALL_TIME: Duration = Duration::from_secs(30);

/// Calls gateways. Cloning it is not needed: calls take it shared.
pub struct Client(WebClient);

impl Default for Client {
    fn default() -> Self {
        Self::new(CALL_TIME)
    }
}

impl Client {
    /// A client whose calls may take so long.
    pub fn new(call_time: Duration) -> Self {
        Self(WebClient::new(call_time, RESPONSE_LIMIT))
    }

    /// Calls a method and gives what it answers.
    ///
    /// # Errors
    /// [`CallError`] says what failed, of which method and where; its [`Reason`] tells apart a fault that the gateway
    /// answered with and a gateway that cannot be used.
    pub async fn call(&self, gateway: &GatewayUrl, method: &str, params: &[Value]) -> Result<Value, CallError> {
        self.exchange(gateway, method, params)
            .await
            .map_err(|reason| CallError::new(gateway, method, reason))
    }

    async fn exchange(&self, gateway: &GatewayUrl, method: &str, params: &[Value]) -> Result<Value, Reason> {
        let asked = Asked::post("text/xml; charset=utf-8", write_call(method, params));
        let answer = self.0.ask(gateway.url(), asked).await?;
        if answer.status != StatusCode::OK {
            return Err(Reason::Status(answer.status.as_u16()));
        }
        read_response(&answer.body)
            .map_err(Reason::Unreadable)?
            .map_err(Reason::Fault)
    }
}
