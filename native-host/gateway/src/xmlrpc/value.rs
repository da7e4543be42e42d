//! The values of XML-RPC.

use std::collections::BTreeMap;

/// A value. There is no nil: XML-RPC does not have it, and no method of the gateway takes or gives one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `int` or `i4`.
    Int(i32),
    /// `boolean`.
    Bool(bool),
    /// `double`. The reader gives finite ones only.
    Double(f64),
    /// `string`, or text without a type.
    String(String),
    /// `dateTime.iso8601`, as it is written: `20061231T23:59:59`. XML-RPC does not say in which zone.
    DateTime(String),
    /// `base64`.
    Base64(Vec<u8>),
    /// `array`.
    Array(Vec<Value>),
    /// `struct`.
    Struct(BTreeMap<String, Value>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Base64(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::Array(values)
    }
}
