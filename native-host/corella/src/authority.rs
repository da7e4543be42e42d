//! The certifying authority, as its clients ask it; what is said is in `ca/README.md`.

use std::{str::FromStr, time::Duration};

use corella_agent::enrolment::{Progress, Trouble};
use corella_identity::{
    Fingerprint, Millis,
    enrolment::{NewKey, RequestId, Token, answer_statement},
    trust::TrustAnchors,
};
use corella_web::{Answer, Asked, StatusCode, WebClient, WebUrl};
use data_encoding::BASE64;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

/// For a request, from its first byte to the last of the answer.
const TIME: Duration = Duration::from_secs(30);
/// Longest answer: a certificate and its chain.
const LIMIT: usize = 64 * 1024;
/// The authority's own names for its refusals are no longer than this.
const NAME_LIMIT: usize = 40;
/// The authority's root is none that is trusted here.
pub(crate) const UNTRUSTED: &str = "untrusted-authority";

/// Where an authority is. Over http anybody on the way could have the certificate made out for a key of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorityUrl(WebUrl);

impl FromStr for AuthorityUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: WebUrl = text.parse().map_err(|error| format!("{error}"))?;
        let is_safe = url.is_secure() || url.is_loopback();
        if is_safe && url.path() == "/" {
            return Ok(Self(url));
        }
        Err("an authority's address is https://HOST or https://HOST:PORT, without a path".to_owned())
    }
}

/// An authority to ask.
pub(crate) struct Authority {
    web: WebClient,
    url: AuthorityUrl,
    anchors: TrustAnchors,
}

#[derive(Deserialize)]
struct State {
    request: String,
    state: String,
    #[serde(default)]
    delayed: bool,
    #[serde(rename = "nextLetter")]
    next_letter: Option<Millis>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Authority {
    /// The authority there, whose root has to be one of the trusted ones.
    pub(crate) fn new(url: AuthorityUrl, anchors: TrustAnchors) -> Self {
        Self {
            web: WebClient::new(TIME, LIMIT),
            url,
            anchors,
        }
    }

    /// Asks for a certificate.
    pub(crate) async fn ask(&self, key: &NewKey) -> Result<(RequestId, Progress), Trouble> {
        // Whoever is not trusted need not hear of the address.
        self.root().await?;
        let request = key.request().map_err(|error| trouble(&error))?;
        let answer = self
            .exchange("/requests", Asked::post("application/pkcs10", request))
            .await?;
        let state: State = read(&answer)?;
        let id = state.request.parse().map_err(|error| trouble(&error))?;
        Ok((id, progress(&state)))
    }

    /// How far a request is.
    pub(crate) async fn look(&self, id: &RequestId) -> Result<Progress, Trouble> {
        match self.exchange(&format!("/requests/{id}"), Asked::get()).await {
            Ok(answer) => Ok(progress(&read(&answer)?)),
            Err(Trouble::Refused(name)) if name == "unknown-request" => Ok(Progress::Expired),
            Err(trouble) => Err(trouble),
        }
    }

    /// Answers a letter with the key's signature. The certificate and its chain, in PEM.
    pub(crate) async fn answer(
        &self,
        key: &NewKey,
        id: &RequestId,
        token: &Token,
        revoke_others: bool,
    ) -> Result<String, Trouble> {
        let root = self.root().await?;
        let statement = answer_statement(&root, key.address(), id, token, revoke_others);
        let signature = key.sign(&statement).map_err(|error| trouble(&error))?;
        let body = json!({
            "token": token.to_string(),
            "signature": BASE64.encode(&signature),
            "revokeOthers": revoke_others,
        });
        let asked = Asked::post("application/json", body.to_string());
        let answer = self.exchange(&format!("/requests/{id}/answer"), asked).await?;
        String::from_utf8(answer.body.to_vec()).map_err(|error| trouble(&error))
    }

    /// The root it stands under, which is trusted.
    async fn root(&self) -> Result<Fingerprint, Trouble> {
        let answer = self.exchange("/chain.pem", Asked::get()).await?;
        let chain = TrustAnchors::from_pem(&answer.body).map_err(|error| trouble(&error))?;
        let root = chain.authorities().last().filter(|root| self.anchors.trusts(root));
        root.map(|root| root.fingerprint())
            .ok_or_else(|| Trouble::Refused(UNTRUSTED.to_owned()))
    }

    async fn exchange(&self, path: &str, asked: Asked) -> Result<Answer, Trouble> {
        let url = self.url.0.at(path).map_err(|error| trouble(&error))?;
        let answer = self.web.ask(&url, asked).await.map_err(|error| trouble(&error))?;
        let status = answer.status;
        if status.is_success() {
            return Ok(answer);
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Trouble::TooMuch);
        }
        if !status.is_client_error() || status == StatusCode::REQUEST_TIMEOUT {
            tracing::debug!("the authority answers {status}");
            return Err(Trouble::Later);
        }
        // The add-on words it by its name, so that it has to be one.
        let refusal: Refusal = read(&answer)?;
        let is_name = refusal.error.len() <= NAME_LIMIT
            && refusal
                .error
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        Err(Trouble::Refused(if is_name {
            refusal.error
        } else {
            "malformed".to_owned()
        }))
    }
}

/// What is no answer of an authority's: a server that is being mended, or another that stands in its way.
fn trouble(why: &dyn std::fmt::Display) -> Trouble {
    tracing::debug!("the authority cannot be asked: {why}");
    Trouble::Later
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Trouble> {
    serde_json::from_slice(&answer.body).map_err(|error| trouble(&error))
}

fn progress(state: &State) -> Progress {
    match state.state.as_str() {
        "mailed" => Progress::Mailed,
        "issued" => Progress::Issued,
        "undeliverable" => Progress::Undeliverable,
        "expired" => Progress::Expired,
        _ => Progress::Waiting {
            delayed: state.delayed,
            at: state.next_letter,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_asked_where_nobody_listens_in() {
        for good in [
            "https://ca.example.net",
            "https://ca.example.net:8443/",
            "http://127.0.0.1:8080",
        ] {
            assert!(good.parse::<AuthorityUrl>().is_ok(), "{good}");
        }
        for bad in [
            "http://ca.example.net",
            "http://192.0.2.1/",
            "https://ca.example.net/x",
            "ca.example.net",
        ] {
            assert!(bad.parse::<AuthorityUrl>().is_err(), "{bad}");
        }
    }
}
