//! Who answers what.

use std::net::{IpAddr, SocketAddr};
use std::sync::PoisonError;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
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

pub(super) fn router(office: Office) -> Router {
    Router::new()
        .route("/", get(front_page))
        .route("/chain.pem", get(chain))
        .route("/revoked.crl", get(list))
        .route("/requests", post(ask))
        .route("/requests/{id}", get(state))
        .route("/requests/{id}/answer", post(answer))
        // One byte more than the limit, so that who sends too much is told so in the words of the request.
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
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
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

async fn answer(State(office): State<Office>, Path(id): Path<String>, body: Bytes) -> Response {
    let Ok(id) = id.parse::<RequestId>() else {
        return unknown();
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
            *office.0.list.lock().unwrap_or_else(PoisonError::into_inner) = None;
            ([TEXT], letters::pem(&certificate, &office.0.authority.chain())).into_response()
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

async fn list(State(office): State<Office>) -> Response {
    let made = office.with_register(|office, register, now| {
        let mut list = office.list.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, der)) = &*list
            && now < at + LIST_AGE
            && !register.has_revoked_since(*at)?
        {
            return Ok(der.clone());
        }
        let (revoked, number) = register.revoked(now)?;
        let der = office.authority.revocation_list(&revoked, number, now)?;
        *list = Some((now, der.clone()));
        Ok::<_, crate::register::RegisterError>(der)
    });
    match made.await {
        Some(Ok(der)) => (
            [(CONTENT_TYPE, "application/pkix-crl"), (CACHE_CONTROL, "max-age=60")],
            der,
        )
            .into_response(),
        Some(Err(error)) => unavailable(&error),
        None => unavailable(&"a panic"),
    }
}

async fn front_page(State(office): State<Office>) -> Response {
    page::page(&office.0.config.name, &office.0.authority.fingerprint().to_string()).into_response()
}
