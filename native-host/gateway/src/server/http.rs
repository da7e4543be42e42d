//! One request and its answer.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue, ORIGIN};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::{Instant, timeout, timeout_at};

use super::House;
use super::doors::Place;
use crate::dispatch::dispatch;
use crate::xmlrpc::{Fault, Value, fault, read_call, write_fault, write_response};

/// Where XML-RPC is served: at the draft's path, and at OpenDHT's, to which its own clients post.
const PATHS: [&str; 2] = ["/RPC2", "/"];

type Answer = Response<Full<Bytes>>;

/// Answers a request. Nothing that can be wrong with one breaks the server, only, at worst, its connection.
pub(super) async fn answer(house: &House, place: &Place, request: Request<Incoming>) -> Result<Answer, Infallible> {
    if let Some(refusal) = refusal(house, &request) {
        return Ok(refusal);
    }
    let body = match read(request.into_body(), house).await {
        Ok(body) => body,
        Err(refusal) => return Ok(refusal),
    };
    let answer = match call(house, place, &body).await {
        Ok(value) => write_response(&value),
        Err(fault) => write_fault(&fault),
    };
    Ok(xml(answer))
}

async fn call(house: &House, place: &Place, body: &[u8]) -> Result<Value, Fault> {
    let call = read_call(body)?;
    let Some(_place) = place.call() else {
        return Err(Fault::new(
            fault::BUSY,
            "too many calls at once from this address: try again later",
        ));
    };
    let done = dispatch(&*house.backend, place.address(), call);
    timeout(house.limits.call_time, done).await.unwrap_or_else(|_| {
        Err(Fault::new(
            fault::UNAVAILABLE,
            "the overlay did not answer in time: try again later",
        ))
    })
}

/// What can be refused by its head.
fn refusal(house: &House, request: &Request<Incoming>) -> Option<Answer> {
    if !PATHS.contains(&request.uri().path()) {
        return Some(status(StatusCode::NOT_FOUND));
    }
    if request.method() != Method::POST {
        let mut answer = status(StatusCode::METHOD_NOT_ALLOWED);
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Some(answer);
    }
    // Only browsers say where a request comes from. A web page is not to use the gateway of the machine it is read on.
    if request.headers().contains_key(ORIGIN) {
        return Some(status(StatusCode::FORBIDDEN));
    }
    if !is_plain(request.headers()) {
        return Some(closing(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let length = usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX);
    let asks_first = request.headers().contains_key(EXPECT);
    let limits = &house.limits;
    if length > limits.discard || length > limits.body && asks_first {
        return Some(closing(StatusCode::PAYLOAD_TOO_LARGE));
    }
    None
}

fn is_plain(headers: &HeaderMap) -> bool {
    let encoding = headers.get(CONTENT_ENCODING);
    encoding.is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The body, or the answer if there is none to be had. A client that sends too much reads nothing before it has sent it
/// all, so the rest is thrown away piece by piece.
async fn read(mut body: Incoming, house: &House) -> Result<Vec<u8>, Answer> {
    let limits = &house.limits;
    let deadline = Instant::now() + limits.body_time;
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    loop {
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(closing(StatusCode::BAD_REQUEST)),
            Err(_) => return Err(closing(StatusCode::REQUEST_TIMEOUT)),
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length > limits.discard {
            return Err(closing(StatusCode::PAYLOAD_TOO_LARGE));
        }
        if length > limits.body {
            bytes = Vec::new();
        } else {
            bytes.extend_from_slice(data);
        }
    }
    if length > limits.body {
        let text = format!("the call is longer than {} bytes", limits.body);
        return Err(xml(write_fault(&Fault::new(fault::TOO_LARGE, text))));
    }
    Ok(bytes)
}

fn xml(body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    answer
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

/// An answer after which nothing more is read.
fn closing(code: StatusCode) -> Answer {
    let mut answer = status(code);
    answer
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
