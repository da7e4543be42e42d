//! Errors on the bridge: a number that never changes its meaning, a name, and English for logs.

use serde_json::{Value, json};

macro_rules! names {
    ($($variant:ident = $code:literal $name:literal),* $(,)?) => {
        /// The errors of `PROTOCOL.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ErrorName { $(#[doc = $name] $variant),* }

        impl ErrorName {
            /// All of them, in the order of the contract.
            #[cfg(test)]
            pub(crate) const ALL: &'static [ErrorName] = &[$(Self::$variant),*];

            /// The JSON-RPC error number.
            pub(crate) fn code(self) -> i32 {
                match self { $(Self::$variant => $code),* }
            }

            /// The name that the add-on words it by.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

names! {
    ParseError = -32700 "parse-error",
    InvalidRequest = -32600 "invalid-request",
    UnknownMethod = -32601 "unknown-method",
    InvalidParams = -32602 "invalid-params",
    Internal = -32603 "internal",
    HelloFirst = 1 "hello-first",
    VersionMismatch = 2 "version-mismatch",
    NoIdentity = 3 "no-identity",
    InvalidAddress = 4 "invalid-address",
    UnknownBuddy = 5 "unknown-buddy",
    Blocked = 6 "blocked",
    BadText = 7 "bad-text",
    UnknownMessage = 8 "unknown-message",
    BadQuery = 9 "bad-query",
    Store = 10 "store",
    InUse = 11 "in-use",
    BadCertificate = 12 "bad-certificate",
    BadFrame = 13 "bad-frame",
    Network = 14 "network",
    ShortSecret = 15 "short-secret",
    WrongSecret = 16 "wrong-secret",
    NotOnline = 17 "not-online",
    ListTooLong = 18 "list-too-long",
    WrongPassphrase = 19 "wrong-passphrase",
    NoInvitation = 20 "no-invitation",
}

/// An error answer.
#[derive(Debug, Clone)]
pub(crate) struct RpcError {
    /// Which.
    pub(crate) name: ErrorName,
    /// English, for logs.
    pub(crate) message: String,
    /// More fields of `data`.
    pub(crate) more: serde_json::Map<String, Value>,
}

impl RpcError {
    pub(crate) fn new(name: ErrorName, message: impl Into<String>) -> RpcError {
        RpcError {
            name,
            message: message.into(),
            more: serde_json::Map::new(),
        }
    }

    /// Adds a field to `data`.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> RpcError {
        self.more.insert(field.to_owned(), value.into());
        self
    }

    /// As the `error` member of a response.
    pub(crate) fn to_json(&self) -> Value {
        let mut data = self.more.clone();
        data.insert("name".to_owned(), self.name.as_str().into());
        json!({ "code": self.name.code(), "message": self.message, "data": data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers in the contract are what add-ons in the field rely on.
    #[test]
    fn every_error_stands_in_the_contract_with_its_number() {
        let contract = include_str!("../../../PROTOCOL.md");
        for name in ErrorName::ALL {
            let row = format!("| {} | `{}` |", name.code(), name.as_str());
            assert!(contract.contains(&row), "PROTOCOL.md lacks the row {row}");
        }
    }
}
