use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::xml::XmlError;

fn call(params: &str) -> String {
    format!(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>get</methodName>\n<params>{params}</params>\n</methodCall>\n"
    )
}

fn value(xml: &str) -> Result<Value, ReadError> {
    let call = read_call(call(&format!("<param>\n{xml}\n</param>")).as_bytes())?;
    let [value] = <[Value; 1]>::try_from(call.params).unwrap();
    Ok(value)
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

#[test]
fn what_python_writes_is_read() {
    // xmlrpc.client.dumps((Binary(bytes(range(60))), 10, Binary(b""), "get.py", True, 1.5, [1], {"a": "<&>"}), "get")
    let body = "<?xml version='1.0'?>\n<methodCall>\n<methodName>get</methodName>\n<params>\n\
        <param>\n<value><base64>\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\n\
        OTo7\n</base64></value>\n</param>\n\
        <param>\n<value><int>10</int></value>\n</param>\n\
        <param>\n<value><base64>\n</base64></value>\n</param>\n\
        <param>\n<value><string>get.py</string></value>\n</param>\n\
        <param>\n<value><boolean>1</boolean></value>\n</param>\n\
        <param>\n<value><double>1.5</double></value>\n</param>\n\
        <param>\n<value><array><data>\n<value><int>1</int></value>\n</data></array></value>\n</param>\n\
        <param>\n<value><struct>\n<member>\n<name>a</name>\n<value><string>&lt;&amp;&gt;</string></value>\n\
        </member>\n</struct></value>\n</param>\n\
        </params>\n</methodCall>\n";
    let call = read_call(body.as_bytes()).unwrap();
    assert_eq!(call.method, "get");
    assert_eq!(
        call.params,
        [
            Value::Base64((0..60).collect()),
            Value::Int(10),
            Value::Base64(vec![]),
            text("get.py"),
            Value::Bool(true),
            Value::Double(1.5),
            Value::Array(vec![Value::Int(1)]),
            Value::Struct(BTreeMap::from([("a".to_owned(), text("<&>"))])),
        ]
    );
}

#[test]
fn values_are_read_as_the_specification_has_them() {
    for (xml, wanted) in [
        ("<value>plain</value>", text("plain")),
        ("<value> spaces stay </value>", text(" spaces stay ")),
        ("<value></value>", text("")),
        ("<value/>", text("")),
        ("<value><string/></value>", text("")),
        ("<value>\n <string>a</string>\n</value>", text("a")),
        (
            "<value><string>a&#13;&#x20;&quot;&apos;</string></value>",
            text("a\r \"'"),
        ),
        (
            "<value><string><![CDATA[<a>&amp;]]>b</string></value>",
            text("<a>&amp;b"),
        ),
        ("<value><string>a\r\nb\rc</string></value>", text("a\nb\nc")),
        ("<value><i4>-2147483648</i4></value>", Value::Int(i32::MIN)),
        ("<value><int> +7 </int></value>", Value::Int(7)),
        ("<value><boolean>0</boolean></value>", Value::Bool(false)),
        ("<value><double>-1e+16</double></value>", Value::Double(-1e16)),
        (
            "<value><base64>Y W\tJj\r\n</base64></value>",
            Value::Base64(b"abc".to_vec()),
        ),
        (
            "<value><dateTime.iso8601>20061231T23:59:59</dateTime.iso8601></value>",
            Value::DateTime("20061231T23:59:59".into()),
        ),
        ("<value><array><data/></array></value>", Value::Array(vec![])),
        ("<value><struct></struct></value>", Value::Struct(BTreeMap::new())),
    ] {
        assert_eq!(value(xml), Ok(wanted), "{xml}");
    }
}

#[test]
fn values_of_no_form_are_refused() {
    for (xml, wanted) in [
        ("<value><nil/></value>", ReadError::Nil),
        ("<value><i8>1</i8></value>", ReadError::Type),
        ("<value><int>2147483648</int></value>", ReadError::Form("int")),
        ("<value><int></int></value>", ReadError::Form("int")),
        ("<value><i4>0x10</i4></value>", ReadError::Form("i4")),
        ("<value><boolean>true</boolean></value>", ReadError::Form("boolean")),
        ("<value><double>nan</double></value>", ReadError::Form("double")),
        ("<value><double>infinity</double></value>", ReadError::Form("double")),
        ("<value><double>1e999</double></value>", ReadError::Form("double")),
        ("<value><base64>YWJ</base64></value>", ReadError::Form("base64")),
        ("<value><base64>YW=Jj</base64></value>", ReadError::Form("base64")),
        (
            "<value><dateTime.iso8601>2006-12-31</dateTime.iso8601></value>",
            ReadError::Form("dateTime.iso8601"),
        ),
        ("<value>a<string>b</string></value>", XmlError::Mixed.into()),
        ("<value><string>b</string>a</value>", XmlError::Mixed.into()),
        ("<value><string><i/></string></value>", XmlError::Mixed.into()),
        (
            "<value><string a='1'>b</string></value>",
            XmlError::Attribute("string").into(),
        ),
        ("<value xmlns='urn:x'>b</value>", XmlError::Expected("value").into()),
        ("<value xmlns:x='urn:x'>b</value>", XmlError::Attribute("value").into()),
        (
            "<value><int>1</int><int>2</int></value>",
            XmlError::Expected("that should have ended").into(),
        ),
        (
            "<value><array><value/></array></value>",
            XmlError::Expected("data").into(),
        ),
        (
            "<value><struct><member><name>a</name><value/></member><member><name>a</name><value/></member></struct></value>",
            ReadError::Twice,
        ),
        (
            "<value><struct><member><value/></member></struct></value>",
            XmlError::Expected("name").into(),
        ),
    ] {
        assert_eq!(value(xml), Err(wanted), "{xml}");
    }
}

#[test]
fn hostile_documents_are_refused_by_name() {
    let markup = |what| XmlError::Markup(what);
    let good = call("<param><value>a</value></param>");
    let bomb = format!(
        "<!DOCTYPE m [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>{}",
        call("<param><value>&b;</value></param>").replace("<?xml version='1.0'?>\n", "")
    );
    let external = "<!DOCTYPE m SYSTEM \"file:///etc/passwd\"><methodCall/>";
    for (document, wanted) in [
        (bomb.as_str(), markup("document type declaration")),
        (external, markup("document type declaration")),
        (
            &good.replace("<params>", "<!DOCTYPE m><params>"),
            markup("document type declaration"),
        ),
        (&good.replace("<params>", "<!-- a --><params>"), markup("comment")),
        (
            &good.replace("<params>", "<?a b?><params>"),
            markup("processing instruction"),
        ),
        ("<?xml-stylesheet a?><methodCall/>", markup("processing instruction")),
        (
            &good.replace("<params>", "<?xml version='1.0'?><params>"),
            markup("XML declaration in its middle"),
        ),
        (&call("<param><value>&b;</value></param>"), XmlError::Entity),
        (&call("<param><value>&#0;</value></param>"), XmlError::Character),
        (&call("<param><value>&#xffff;</value></param>"), XmlError::Character),
        (
            &call("<param><value>&#99999999999;</value></param>"),
            XmlError::Character,
        ),
        (&call("<param><value>\u{1}</value></param>"), XmlError::Character),
        (&call("<param><value>a & b</value></param>"), XmlError::NotWellFormed),
        (&call("<param><value>a</param></value>"), XmlError::NotWellFormed),
        ("<methodCall><methodName>a", XmlError::NotWellFormed),
        ("<methodCall", XmlError::NotWellFormed),
        (
            "<?xml version='1.0' encoding='utf-16'?><methodCall/>",
            XmlError::Encoding,
        ),
        ("<?xml version='1.1'?><methodCall/>", XmlError::Encoding),
        (
            "<?xml version='1.0' encoding='iso-8859-1'?><methodCall>é</methodCall>",
            XmlError::Encoding,
        ),
        ("", XmlError::Expected("methodCall")),
        ("get", XmlError::Mixed),
        ("<html><body>404</body></html>", XmlError::Expected("methodCall")),
        ("<methodResponse/>", XmlError::Expected("methodCall")),
        ("<methodcall/>", XmlError::Expected("methodCall")),
        ("<a:methodCall/>", XmlError::Expected("methodCall")),
        ("<methodCall><params/></methodCall>", XmlError::Expected("methodName")),
        (
            &format!("{good}<methodCall/>"),
            XmlError::Expected("after which nothing comes"),
        ),
        (&format!("{good}a"), XmlError::Mixed),
        (
            &good.replace("</params>", "</params><params/>"),
            XmlError::Expected("that should have ended"),
        ),
    ] {
        assert_eq!(read_call(document.as_bytes()), Err(wanted.into()), "{document}");
    }
    assert_eq!(
        read_call(b"<methodCall>\xff</methodCall>"),
        Err(XmlError::NotText.into())
    );
    assert_eq!(read_call(b"<\x00m\x00e\x00"), Err(XmlError::Character.into()));
}

#[test]
fn declarations_and_a_byte_order_mark_are_taken() {
    for start in [
        "",
        "\u{feff}",
        "\u{feff}<?xml version=\"1.0\"?>",
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n",
        "<?xml version='1.0' encoding='ISO-8859-1'?>",
    ] {
        let body = format!("{start}<methodCall><methodName>rm</methodName></methodCall>");
        let wanted = MethodCall {
            method: "rm".into(),
            params: vec![],
        };
        assert_eq!(read_call(body.as_bytes()), Ok(wanted), "{start}");
    }
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}<value>a</value>{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn nesting_is_bounded() {
    let array = |depth| nested("<value><array><data>", "</data></array></value>", depth);
    let structs = |depth| {
        nested(
            "<value><struct><member><name>a</name>",
            "</member></struct></value>",
            depth,
        )
    };
    for depth in [1, DEPTH_LIMIT] {
        assert!(value(&array(depth)).is_ok());
        assert!(value(&structs(depth)).is_ok());
    }
    for depth in [DEPTH_LIMIT + 1, 100_000] {
        assert_eq!(value(&array(depth)), Err(ReadError::TooDeep));
        assert_eq!(value(&structs(depth)), Err(ReadError::TooDeep));
    }
    let others = nested("<x>", "</x>", 100_000);
    assert_eq!(value(&others), Err(XmlError::Expected("value").into()));
}

#[test]
fn every_refusal_is_a_short_fault_that_repeats_nothing() {
    let marker = "SECRET".repeat(1000);
    for document in [
        marker.clone(),
        format!("<{marker}/>"),
        format!("<methodCall {marker}='1'/>"),
        call(&format!("<param><value>&{marker};</value></param>")),
        call(&format!("<param><value><{marker}/></value></param>")),
        call(&format!("<param><value><int>{marker}</int></value></param>")),
        format!("<!DOCTYPE {marker}>"),
        format!("<?xml version='1.0' encoding='{marker}'?>"),
    ] {
        let fault = Fault::from(read_call(document.as_bytes()).unwrap_err());
        assert!(!fault.text.contains("SECRET"), "{fault}");
        assert!(fault.text.len() < 200, "{fault}");
        assert!([fault::PARSE, fault::ENCODING, fault::CHARACTER, fault::NO_CALL].contains(&fault.code));
    }
}

#[test]
fn responses_of_pythons_server_are_read() {
    let answer = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n\
        <value><array><data>\n<value><base64>\nYQ==\n</base64></value>\n</data></array></value>\n\
        <value><base64>\n</base64></value>\n</data></array></value>\n</param>\n</params>\n</methodResponse>\n";
    let values = Value::Array(vec![Value::Base64(b"a".to_vec())]);
    let wanted = Value::Array(vec![values, Value::Base64(vec![])]);
    assert_eq!(read_response(answer.as_bytes()), Ok(Ok(wanted)));

    let fault = "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n\
        <value><int>1</int></value>\n</member>\n<member>\n<name>faultString</name>\n\
        <value><string>&lt;class 'Exception'&gt;:a\nb</string></value>\n</member>\n</struct></value>\n</fault>\n\
        </methodResponse>\n";
    assert_eq!(
        read_response(fault.as_bytes()),
        Ok(Err(Fault::new(1, "<class 'Exception'>:a b")))
    );
}

#[test]
fn responses_of_no_form_are_refused() {
    for (xml, wanted) in [
        ("<methodResponse/>", XmlError::Expected("params").into()),
        (
            "<methodResponse><params/></methodResponse>",
            XmlError::Expected("param").into(),
        ),
        (
            "<methodResponse><params><param><value/></param><param><value/></param></params></methodResponse>",
            XmlError::Expected("that should have ended").into(),
        ),
        (
            "<methodResponse><fault><value>a</value></fault></methodResponse>",
            ReadError::Fault,
        ),
        (
            "<methodResponse><fault><value><struct/></value></fault></methodResponse>",
            ReadError::Fault,
        ),
    ] {
        assert_eq!(read_response(xml.as_bytes()), Err(wanted), "{xml}");
    }
}

#[test]
fn a_strangers_fault_is_cut() {
    let long = write_fault(&Fault::new(7, "\n".repeat(10_000)));
    let fault = read_response(long.as_bytes()).unwrap().unwrap_err();
    assert_eq!(fault, Fault::new(7, " ".repeat(300)));
}

#[test]
fn what_xml_cannot_say_does_not_make_an_answer_unreadable() {
    let answer = write_response(&text("a\u{0}\u{ffff}\rb"));
    assert_eq!(read_response(answer.as_bytes()), Ok(Ok(text("a\u{fffd}\u{fffd}\rb"))));
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = "[\\t\\n\\r -\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]{0,8}";
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        prop::num::f64::NORMAL.prop_map(Value::Double),
        text.prop_map(Value::String),
        "[0-9]{8}T[0-9]{2}:[0-9]{2}:[0-9]{2}".prop_map(Value::DateTime),
        prop::collection::vec(any::<u8>(), 0..100).prop_map(Value::Base64),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(text, inner, 0..4).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(method in "[a-z_-]{1,20}", params in prop::collection::vec(any_value(), 0..4)) {
        let body = write_call(&method, &params);
        prop_assert_eq!(read_call(body.as_bytes()), Ok(MethodCall { method, params: params.clone() }));
        if let Some(value) = params.into_iter().next() {
            let body = write_response(&value);
            prop_assert_eq!(read_response(body.as_bytes()), Ok(Ok(value)));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_call(&bytes);
        let _ = read_response(&bytes);
    }

    #[test]
    fn no_change_of_a_call_makes_it_panic(
        params in prop::collection::vec(any_value(), 0..3),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..8),
    ) {
        let mut body = write_call("put", &params).into_bytes();
        for (at, byte, insert) in changes {
            let at = at.index(body.len());
            if insert {
                body.insert(at, byte);
            } else {
                body[at] = byte;
            }
        }
        let _ = read_call(&body);
    }

    #[test]
    fn no_pieces_of_markup_make_it_panic(pieces in prop::collection::vec(prop::sample::select(vec![
        "<methodCall>", "</methodCall>", "<params>", "<param>", "<value>", "</value>", "<array>", "<data>", "<struct>",
        "<member>", "<name>", "</name>", "<string>", "</string>", "<![CDATA[", "]]>", "&amp;", "&#", "<!--", "-->", "<!DOCTYPE",
        "<?xml", "?>", "a", "\u{feff}", "xmlns:a='b'", "<a:b", "/>", ">", "'", "\"",
    ]), 0..40)) {
        let text: String = pieces.concat();
        let _ = read_call(text.as_bytes());
        let _ = read_response(text.as_bytes());
    }
}
