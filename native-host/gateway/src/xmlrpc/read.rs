//! The strict reader.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use thiserror::Error;

use super::{Fault, Value};
use crate::xml::{Cursor, Element, Space, Token, XmlError, is_blank};

/// How deep arrays and structs may be nested.
pub const DEPTH_LIMIT: usize = 16;
/// Elements around and within the deepest value: three for each array or struct, and a few at either end.
const ELEMENTS: usize = 3 * DEPTH_LIMIT + 8;
/// Longest text that is kept of another's fault, in characters.
const FAULT_TEXT: usize = 300;

/// Why bytes are no call or response of XML-RPC. Fixed texts: nothing of the bytes is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No XML that is taken, or not the elements of XML-RPC.
    #[error("{0}")]
    Xml(#[from] XmlError),
    /// A value of a type that XML-RPC does not have.
    #[error("it has a value of a type that XML-RPC does not have")]
    Type,
    /// A nil.
    #[error("it has a nil, which is not taken")]
    Nil,
    /// A value that is not of the form of its type.
    #[error("it has a value that is not of the form of its type, {0}")]
    Form(&'static str),
    /// Arrays and structs nested more than [`DEPTH_LIMIT`] deep.
    #[error("its arrays and structs are nested more than {DEPTH_LIMIT} deep")]
    TooDeep,
    /// A struct with two members of one name.
    #[error("it has a struct with two members of one name")]
    Twice,
    /// A fault that is no struct of faultCode and faultString.
    #[error("it has a fault without faultCode and faultString")]
    Fault,
}

/// A call: the method's name and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodCall {
    /// The method's name.
    pub method: String,
    /// The parameters, in order.
    pub params: Vec<Value>,
}

/// Reads a `methodCall`. Its length is the caller's to bound; memory and stack stay in proportion to it.
///
/// # Errors
/// Each kind of [`ReadError`] but [`ReadError::Fault`].
pub fn read_call(body: &[u8]) -> Result<MethodCall, ReadError> {
    let mut reader = Reader(Cursor::new(body, ELEMENTS)?);
    reader.open("methodCall")?;
    reader.open("methodName")?;
    let method = reader.0.text()?.trim().to_owned();
    let mut params = Vec::new();
    if reader.0.take(Space::None, "params", &[])?.is_some() {
        while !reader.0.closes()? {
            params.push(reader.param()?);
        }
    }
    reader.finish()?;
    Ok(MethodCall { method, params })
}

/// Reads a `methodResponse`: the value, or the fault that the other side answered with.
///
/// # Errors
/// Each kind of [`ReadError`].
pub fn read_response(body: &[u8]) -> Result<Result<Value, Fault>, ReadError> {
    let mut reader = Reader(Cursor::new(body, ELEMENTS)?);
    reader.open("methodResponse")?;
    let answer = if reader.0.take(Space::None, "fault", &[])?.is_some() {
        reader.open("value")?;
        let value = reader.value(0)?;
        reader.0.close()?;
        Err(fault(value)?)
    } else {
        reader.open("params")?;
        let value = reader.param()?;
        reader.0.close()?;
        Ok(value)
    };
    reader.finish()?;
    Ok(answer)
}

/// The text is a stranger's: it is cut, and kept on one line.
fn fault(value: Value) -> Result<Fault, ReadError> {
    let Value::Struct(members) = value else {
        return Err(ReadError::Fault);
    };
    let (Some(Value::Int(code)), Some(Value::String(text))) = (members.get("faultCode"), members.get("faultString"))
    else {
        return Err(ReadError::Fault);
    };
    let one_line = |character: char| if character.is_control() { ' ' } else { character };
    let text: String = text.chars().map(one_line).take(FAULT_TEXT).collect();
    Ok(Fault::new(*code, text))
}

struct Reader<'x>(Cursor<'x>);

impl Reader<'_> {
    fn open(&mut self, name: &'static str) -> Result<Element, ReadError> {
        Ok(self.0.need(Space::None, name, &[])?)
    }

    fn finish(&mut self) -> Result<(), ReadError> {
        self.0.close()?;
        Ok(self.0.end()?)
    }

    fn param(&mut self) -> Result<Value, ReadError> {
        self.open("param")?;
        self.open("value")?;
        let value = self.value(0)?;
        self.0.close()?;
        Ok(value)
    }

    /// What stands in a `value` that was opened, and its end. `depth` arrays and structs are around it.
    fn value(&mut self, depth: usize) -> Result<Value, ReadError> {
        let mut text = String::new();
        let element = loop {
            match self.0.next()? {
                Token::Text(more) => text.push_str(&more),
                Token::Close(_) => return Ok(Value::String(text)),
                Token::Open(element) if is_blank(&text) => break element,
                Token::Open(_) => return Err(XmlError::Mixed.into()),
                Token::End => return Err(XmlError::NotWellFormed.into()),
            }
        };
        // Through the grammar's own door, which looks at its attributes.
        let name = type_name(&element.name)?;
        self.0.put_back(Token::Open(element));
        self.open(name)?;
        let value = match name {
            "array" => Value::Array(self.array(depth + 1)?),
            "struct" => Value::Struct(self.members(depth + 1)?),
            _ => scalar(name, self.0.text()?)?,
        };
        self.0.close()?;
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, ReadError> {
        if depth > DEPTH_LIMIT {
            return Err(ReadError::TooDeep);
        }
        let mut values = Vec::new();
        self.open("data")?;
        while !self.0.closes()? {
            self.open("value")?;
            values.push(self.value(depth)?);
        }
        self.0.close()?;
        Ok(values)
    }

    fn members(&mut self, depth: usize) -> Result<BTreeMap<String, Value>, ReadError> {
        if depth > DEPTH_LIMIT {
            return Err(ReadError::TooDeep);
        }
        let mut members = BTreeMap::new();
        while !self.0.closes()? {
            self.open("member")?;
            self.open("name")?;
            let name = self.0.text()?;
            self.open("value")?;
            let value = self.value(depth)?;
            self.0.close()?;
            if members.insert(name, value).is_some() {
                return Err(ReadError::Twice);
            }
        }
        Ok(members)
    }
}

fn type_name(name: &str) -> Result<&'static str, ReadError> {
    Ok(match name {
        "int" => "int",
        "i4" => "i4",
        "boolean" => "boolean",
        "double" => "double",
        "string" => "string",
        "dateTime.iso8601" => "dateTime.iso8601",
        "base64" => "base64",
        "array" => "array",
        "struct" => "struct",
        "nil" => return Err(ReadError::Nil),
        _ => return Err(ReadError::Type),
    })
}

fn scalar(name: &'static str, text: String) -> Result<Value, ReadError> {
    let wrong = ReadError::Form(name);
    let trimmed = text.trim();
    Ok(match name {
        "int" | "i4" => Value::Int(trimmed.parse().map_err(|_| wrong)?),
        "boolean" => match trimmed {
            "0" => Value::Bool(false),
            "1" => Value::Bool(true),
            _ => return Err(wrong),
        },
        "double" => Value::Double(double(trimmed).ok_or(wrong)?),
        "dateTime.iso8601" if is_date_time(trimmed) => Value::DateTime(trimmed.to_owned()),
        "base64" => Value::Base64(base64(&text).ok_or(wrong)?),
        "string" => Value::String(text),
        _ => return Err(wrong),
    })
}

/// Digits, sign, point and exponent only: Rust itself also reads "inf" and "nan".
fn double(text: &str) -> Option<f64> {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let number: f64 = text.bytes().all(plain).then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

/// `20061231T23:59:59`; whether there is such a day is for whoever uses it.
fn is_date_time(text: &str) -> bool {
    let form = b"00000000T00:00:00";
    text.len() == form.len()
        && text.bytes().zip(form).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            other => byte == *other,
        })
}

/// Base64 with padding, and with line breaks and white space wherever its writer put them, as Python does.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&digits).ok()
}
