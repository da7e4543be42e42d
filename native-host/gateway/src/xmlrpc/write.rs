//! The writer.

use data_encoding::BASE64;

use super::{Fault, Value};
use crate::xml::escaped;

const DECLARATION: &str = "<?xml version=\"1.0\"?>\n";

/// Writes a `methodCall`.
pub fn write_call(method: &str, params: &[Value]) -> String {
    let mut xml = format!(
        "{DECLARATION}<methodCall><methodName>{}</methodName><params>",
        escaped(method)
    );
    for param in params {
        xml.push_str("<param>");
        write(param, &mut xml);
        xml.push_str("</param>");
    }
    xml.push_str("</params></methodCall>\n");
    xml
}

/// Writes a `methodResponse` with a value.
pub fn write_response(value: &Value) -> String {
    let mut xml = format!("{DECLARATION}<methodResponse><params><param>");
    write(value, &mut xml);
    xml.push_str("</param></params></methodResponse>\n");
    xml
}

/// Writes a `methodResponse` with a fault.
pub fn write_fault(fault: &Fault) -> String {
    format!(
        "{DECLARATION}<methodResponse><fault><value><struct>\
         <member><name>faultCode</name><value><int>{}</int></value></member>\
         <member><name>faultString</name><value><string>{}</string></value></member>\
         </struct></value></fault></methodResponse>\n",
        fault.code,
        escaped(&fault.text)
    )
}

fn write(value: &Value, xml: &mut String) {
    xml.push_str("<value>");
    match value {
        Value::Int(number) => xml.push_str(&format!("<int>{number}</int>")),
        Value::Bool(truth) => xml.push_str(&format!("<boolean>{}</boolean>", u8::from(*truth))),
        Value::Double(number) => xml.push_str(&format!("<double>{number}</double>")),
        Value::String(text) => xml.push_str(&format!("<string>{}</string>", escaped(text))),
        Value::DateTime(text) => {
            xml.push_str(&format!("<dateTime.iso8601>{}</dateTime.iso8601>", escaped(text)));
        }
        Value::Base64(bytes) => {
            xml.push_str("<base64>");
            BASE64.encode_append(bytes, xml);
            xml.push_str("</base64>");
        }
        Value::Array(values) => {
            xml.push_str("<array><data>");
            for value in values {
                write(value, xml);
            }
            xml.push_str("</data></array>");
        }
        Value::Struct(members) => {
            xml.push_str("<struct>");
            for (name, value) in members {
                xml.push_str(&format!("<member><name>{}</name>", escaped(name)));
                write(value, xml);
                xml.push_str("</member>");
            }
            xml.push_str("</struct>");
        }
    }
    xml.push_str("</value>");
}
