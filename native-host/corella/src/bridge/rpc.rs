//! JSON-RPC 2.0: telling requests from anything else, and writing answers.

use serde_json::{Value, json};

use crate::protocol::{ErrorName, MAX_FRAME, Notification, RpcError};

/// A well-formed request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Value,
    pub(crate) method: String,
    pub(crate) params: Value,
}

/// What a document turned out to be.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// To be answered.
    Request(Request),
    /// A notification or a response: this protocol knows none from the add-on, and neither may be answered.
    Ignored,
    /// To be refused.
    Invalid(Value, RpcError),
}

/// Reads one document.
pub(crate) fn parse(text: &[u8]) -> Incoming {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => {
            let place = format!("not JSON, at line {} column {}", error.line(), error.column());
            return Incoming::Invalid(Value::Null, RpcError::new(ErrorName::ParseError, place));
        }
    };
    let invalid = |id: Value, what: &str| Incoming::Invalid(id, RpcError::new(ErrorName::InvalidRequest, what));
    let Value::Object(mut object) = value else {
        return invalid(Value::Null, "a request is one JSON object; batches are not taken");
    };
    let id = object.remove("id");
    let answerable = match &id {
        Some(Value::String(_) | Value::Number(_)) => id.clone().unwrap_or_default(),
        _ => Value::Null,
    };
    if object.get("jsonrpc") != Some(&Value::from("2.0")) {
        return invalid(answerable, "jsonrpc must be \"2.0\"");
    }
    let method = match object.remove("method") {
        Some(Value::String(method)) => method,
        None if object.contains_key("result") || object.contains_key("error") => return Incoming::Ignored,
        _ => return invalid(answerable, "method must be a string"),
    };
    match id {
        None => Incoming::Ignored,
        Some(Value::String(_) | Value::Number(_)) => {
            let params = object.remove("params").unwrap_or_else(|| json!({}));
            if params.is_object() {
                Incoming::Request(Request {
                    id: answerable,
                    method,
                    params,
                })
            } else {
                let error = RpcError::new(ErrorName::InvalidParams, "params must be an object");
                Incoming::Invalid(answerable, error)
            }
        }
        Some(_) => invalid(Value::Null, "id must be a string or a number"),
    }
}

/// The answer to a request. One that would not fit a frame becomes an error.
pub(crate) fn response(id: &Value, result: Result<Value, RpcError>) -> String {
    let text = match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string(),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() }).to_string(),
    };
    if text.len() <= MAX_FRAME {
        return text;
    }
    let error = RpcError::new(ErrorName::Internal, "the answer is too large for one frame");
    let id = if id.to_string().len() > 1024 { &Value::Null } else { id };
    json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() }).to_string()
}

/// A notification as a document.
pub(crate) fn notification(notification: &Notification) -> String {
    match serde_json::to_value(notification) {
        Ok(Value::Object(mut object)) => {
            object.insert("jsonrpc".to_owned(), "2.0".into());
            Value::Object(object).to_string()
        }
        // The types of notifications have string keys only, so this is never taken; an empty object is ignored by every reader.
        _ => "{}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> (Value, ErrorName) {
        match parse(text.as_bytes()) {
            Incoming::Invalid(id, error) => (id, error.name),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn what_is_no_request_is_named() {
        assert_eq!(refusal("{"), (Value::Null, ErrorName::ParseError));
        assert_eq!(refusal("[]"), (Value::Null, ErrorName::InvalidRequest));
        assert_eq!(refusal("7"), (Value::Null, ErrorName::InvalidRequest));
        assert_eq!(
            refusal(r#"{"id":1,"method":"x"}"#),
            (json!(1), ErrorName::InvalidRequest)
        );
        assert_eq!(
            refusal(r#"{"jsonrpc":"2.0","id":1,"method":2}"#),
            (json!(1), ErrorName::InvalidRequest)
        );
        assert_eq!(
            refusal(r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#),
            (Value::Null, ErrorName::InvalidRequest)
        );
        assert_eq!(
            refusal(r#"{"jsonrpc":"2.0","id":"a","method":"x","params":[1]}"#),
            (json!("a"), ErrorName::InvalidParams)
        );
        assert_eq!(refusal(&"[".repeat(100_000)), (Value::Null, ErrorName::ParseError));
    }

    #[test]
    fn what_must_not_be_answered_is_ignored() {
        for text in [
            r#"{"jsonrpc":"2.0","method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ] {
            assert!(matches!(parse(text.as_bytes()), Incoming::Ignored), "{text}");
        }
    }

    #[test]
    fn an_answer_always_fits_a_frame() {
        let text = response(&json!(1), Ok(Value::from("x".repeat(MAX_FRAME))));
        assert!(text.len() <= MAX_FRAME && text.contains("internal"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }
    }
}
