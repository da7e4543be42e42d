//! What is said to programs.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use corella_identity::Millis;
use data_encoding::HEXLOWER;
use serde::Serialize;

use crate::register::{AnswerError, AskError, State, Status};
use crate::request::RequestError;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusBody {
    request: String,
    address: String,
    state: &'static str,
    expires: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_letter: Option<Millis>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    delayed: bool,
}

#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a str,
    message: String,
}

pub(super) fn status(code: StatusCode, status: &Status) -> Response {
    let state = match status.state {
        None => "expired",
        Some(State::Waiting) => "waiting",
        Some(State::Mailed) => "mailed",
        Some(State::Issued) => "issued",
        Some(State::Undeliverable) => "undeliverable",
    };
    let body = StatusBody {
        request: HEXLOWER.encode(&status.id),
        address: status.address.to_string(),
        state,
        expires: status.expires,
        next_letter: status.letter.map(|(at, _)| at),
        delayed: status.letter.is_some_and(|(_, failed)| failed),
    };
    (code, Json(body)).into_response()
}

pub(super) fn refusal(code: StatusCode, name: &str, message: impl ToString) -> Response {
    let message = message.to_string();
    (code, Json(Refusal { error: name, message })).into_response()
}

/// Something failed here: the details are for whoever runs the authority.
pub(super) fn unavailable(why: &dyn std::fmt::Display) -> Response {
    tracing::error!("a request failed: {why}");
    refusal(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "the authority cannot do this now: try again later",
    )
}

pub(super) fn bad_request(error: RequestError) -> Response {
    let code = match error {
        RequestError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    refusal(code, error.name(), error)
}

pub(super) fn not_taken(error: &AskError) -> Response {
    let name = match error {
        AskError::TooManyFromNetwork => "too-many-from-network",
        AskError::TooManyForAddress => "too-many-for-address",
        AskError::Busy => "busy",
        AskError::Register(error) => return unavailable(error),
    };
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, name, error);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("3600"));
    response
}

pub(super) fn no_certificate(error: &AnswerError) -> Response {
    let code = match error {
        AnswerError::Unknown => StatusCode::NOT_FOUND,
        AnswerError::Expired | AnswerError::Revoked => StatusCode::GONE,
        AnswerError::Token | AnswerError::Signature => StatusCode::FORBIDDEN,
        AnswerError::Register(error) => return unavailable(error),
    };
    refusal(code, error.name(), error)
}
