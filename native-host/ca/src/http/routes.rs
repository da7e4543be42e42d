//! Who answers what.

use std::net::{IpAddr, SocketAddr};
use std::sync::PoisonError;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Request as HttpRequest, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use corella_identity::Millis;
use corella_identity::enrolment::RequestId;
use data_encoding::BASE64;
use serde::Deserialize;
use tokio::time::timeout;

use super::answers::{bad_request, no_certificate, not_taken, refusal, status, unavailable};
use super::{Office, page};
use crate::letters;
use crate::network::Network;
use crate::register::Answer;
use crate::request::{REQUEST_LIMIT, Request, RequestError};

/// How long one request may take, its body included.
const TIME: Duration = Duration::from_secs(20);
/// How long a list is served before it is made anew, if nothing was revoked.
const LIST_AGE: Millis = 60 * 60 * 1000;
const TEXT: (axum::http::HeaderName, &str) = (CONTENT_TYPE, "application/x-pem-file");

/// The body of a request; it may be over the limit.
type Body = Result<Bytes, BytesRejection>;

pub(super) fn router(office: Office) -> Router {
    Router::new()
        .route("/", get(front_page))
        .route("/chain.pem", get(chain))
        .route("/revoked.crl", get(list_of_now))
        .route("/revoked/{name}", get(list_of_key))
        .route("/requests", post(ask))
        .route("/requests/{id}", get(state))
        .route("/requests/{id}/answer", post(answer))
        // One byte more than the limit, so that who sends too much is told so in our words.
        .layer(DefaultBodyLimit::max(REQUEST_LIMIT + 1))
        .layer(from_fn(in_time))
        .with_state(office)
}

async fn in_time(request: HttpRequest, next: Next) -> Response {
    timeout(TIME, next.run(request))
        .await
        .unwrap_or_else(|_| refusal(StatusCode::REQUEST_TIMEOUT, "too-slow", "the request took too long"))
}

async fn ask(
    State(office): State<Office>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(body) = body else {
        return bad_request(RequestError::TooLarge);
    };
    let request = match Request::from_der(&body) {
        Ok(request) => request,
        Err(error) => return bad_request(error),
    };
    let network = Network::of(client(&office, peer, &headers));
    let asked = office
        .with_register(move |_, register, now| register.ask(&request, network, now))
        .await;
    match asked {
        Some(Ok(asked)) => {
            office.0.letters.notify_one();
            status(StatusCode::ACCEPTED, &asked)
        }
        Some(Err(error)) => not_taken(&error),
        None => unavailable(&"a panic"),
    }
}

/// Whoever asks; behind a proxy, the last that it has named.
fn client(office: &Office, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = || {
        let named = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        named.rsplit(',').next()?.trim().parse().ok()
    };
    let is_proxied = office.0.config.behind_proxy;
    is_proxied.then(forwarded).flatten().unwrap_or(peer.ip())
}

async fn state(State(office): State<Office>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<RequestId>() else {
        return unknown();
    };
    match office
        .with_register(move |_, register, now| register.status(&id, now))
        .await
    {
        Some(Ok(Some(found))) => status(StatusCode::OK, &found),
        Some(Ok(None)) => unknown(),
        Some(Err(error)) => unavailable(&error),
        None => unavailable(&"a panic"),
    }
}

fn unknown() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        "unknown-request",
        "there is no such request: make a new one",
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AnswerBody {
    token: String,
    signature: String,
    #[serde(default)]
    revoke_others: bool,
}

async fn answer(State(office): State<Office>, Path(id): Path<String>, body: Body) -> Response {
    let Ok(id) = id.parse::<RequestId>() else {
        return unknown();
    };
    let body = match body {
        Ok(body) if body.len() <= REQUEST_LIMIT => body,
        _ => {
            let words = format!("the answer is longer than {REQUEST_LIMIT} bytes");
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "too-large", words);
        }
    };
    let malformed = |what: &str| refusal(StatusCode::BAD_REQUEST, "malformed", what);
    let Ok(body) = serde_json::from_slice::<AnswerBody>(&body) else {
        return malformed("the answer is {\"token\", \"signature\", \"revokeOthers\"?} in JSON");
    };
    let (Ok(token), Ok(signature)) = (body.token.parse(), BASE64.decode(body.signature.as_bytes())) else {
        return malformed("the token is of 64 hexadecimal digits, the signature in base64");
    };
    let answer = Answer {
        id,
        token,
        revoke_others: body.revoke_others,
        signature,
    };
    let done = office
        .with_register(move |office, register, now| register.answer(&office.authority, &answer, now))
        .await;
    match done {
        Some(Ok(certificate)) => {
            office.0.letters.notify_one();
            *office.0.lists.lock().unwrap_or_else(PoisonError::into_inner) = None;
            (
                [TEXT],
                letters::pem(&certificate, &office.0.authority.chain_of(&certificate)),
            )
                .into_response()
        }
        Some(Err(error)) => no_certificate(&error),
        None => unavailable(&"a panic"),
    }
}

async fn chain(State(office): State<Office>) -> Response {
    let pem: String = office
        .0
        .authority
        .chain()
        .map(|certificate| certificate.to_pem())
        .concat();
    ([TEXT], pem).into_response()
}

async fn list_of_now(State(office): State<Office>) -> Response {
    list(office, None).await
}

async fn list_of_key(State(office): State<Office>, Path(name): Path<String>) -> Response {
    match name.strip_suffix(".crl") {
        Some(key_id) => list(office, Some(key_id.to_owned())).await,
        None => no_list(),
    }
}

fn no_list() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        "unknown-list",
        "no issuing key of this authority has such a revocation list: where it is stands in each certificate",
    )
}

/// The list of an issuing key; `None`: of the one that signs now.
async fn list(office: Office, key_id: Option<String>) -> Response {
    let made = office.with_register(move |office, register, now| {
        let mut lists = office.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let is_good = match &*lists {
            Some((at, _)) => now < at + LIST_AGE && !register.has_revoked_since(*at)?,
            None => false,
        };
        if !is_good {
            let (revoked, number) = register.revoked(now)?;
            *lists = Some((now, office.authority.revocation_lists(&revoked, number, now)?));
        }
        let mut all = lists.iter().flat_map(|(_, lists)| lists);
        let found = all.find(|list| key_id.as_ref().is_none_or(|key_id| *key_id == list.key_id));
        Ok::<_, crate::register::RegisterError>(found.map(|list| list.der.clone()))
    });
    match made.await {
        Some(Ok(Some(der))) => (
            [(CONTENT_TYPE, "application/pkix-crl"), (CACHE_CONTROL, "max-age=60")],
            der,
        )
            .into_response(),
        Some(Ok(None)) => no_list(),
        Some(Err(error)) => unavailable(&error),
        None => unavailable(&"a panic"),
    }
}

async fn front_page(State(office): State<Office>) -> Response {
    page::page(&office.0.config.name, &office.0.authority.fingerprint().to_string()).into_response()
}
