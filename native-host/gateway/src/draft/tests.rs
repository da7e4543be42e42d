use proptest::prelude::*;

use super::*;
use crate::xml::XmlError;
use crate::xmlrpc::{Value, fault};

const NS: &str = "xmlns=\"urn:ietf:params:xml:ns:dht\"";
const DS: &str = "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
const SHA1_OF_NOTHING: &str = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";

fn clear(text: &str) -> Key {
    Key::Clear(text.into())
}

fn sha1(byte: u8) -> Digest {
    Digest::new(DigestAlgorithm::Sha1, vec![byte; 20]).unwrap()
}

fn sha256(byte: u8) -> Digest {
    Digest::new(DigestAlgorithm::Sha256, vec![byte; 32]).unwrap()
}

fn record(parts: &str) -> Result<RecordRequest, DocumentError> {
    RecordRequest::read(&format!("<dhtRecord {NS} {DS}>{parts}</dhtRecord>"))
}

fn service(parts: &str) -> Result<Service, DocumentError> {
    Service::read(&format!("<dhtService {NS} {DS}>{parts}</dhtService>"))
}

#[test]
fn each_method_has_its_name() {
    let names = DraftMethod::ALL.map(DraftMethod::name);
    assert_eq!(
        names,
        [
            "put-auth",
            "remove-auth",
            "get-auth",
            "get",
            "put-immut",
            "get-immut",
            "join",
            "lookup",
            "leave"
        ]
    );
    for method in DraftMethod::ALL {
        assert_eq!(DraftMethod::from_name(method.name()), Some(method));
    }
    assert_eq!(DraftMethod::from_name("put"), None);
}

#[test]
fn a_call_has_one_document() {
    let read = |params| DraftCall::read(DraftMethod::Get, params);
    let call = read(vec![Value::String("<a/>".into())]).unwrap();
    assert_eq!(read(vec![Value::Base64(b"<a/>".to_vec())]), Ok(call.clone()));
    assert_eq!(read(call.clone().params()), Ok(call));
    let limit = "a".repeat(DOCUMENT_LIMIT);
    assert!(read(vec![Value::String(limit.clone())]).is_ok());
    for params in [
        vec![],
        vec![Value::String("<a/>".into()); 2],
        vec![Value::Int(1)],
        vec![Value::Array(vec![Value::String("<a/>".into())])],
        vec![Value::Base64(vec![0xff])],
        vec![Value::String(limit.clone() + "a")],
        vec![Value::Base64((limit + "a").into_bytes())],
    ] {
        assert_eq!(read(params).unwrap_err().code, fault::PARAMS);
    }
}

#[test]
fn answers_are_of_their_methods_kind() {
    let document = Value::String("<a/>".into());
    for method in DraftMethod::ALL {
        let done = DraftAnswer::read(method, Value::Bool(true));
        let read = DraftAnswer::read(method, document.clone());
        assert!(done.is_some() != read.is_some());
        assert_eq!(DraftAnswer::read(method, Value::Int(1)), None);
        let again = done.or(read).unwrap();
        assert_eq!(DraftAnswer::read(method, again.clone().into()), Some(again));
    }
}

#[test]
fn keys_have_three_forms() {
    let digest = format!("<ds:DigestValue>{SHA1_OF_NOTHING}</ds:DigestValue>");
    let method = |uri: &str| format!("<ds:DigestMethod Algorithm=\"{uri}\"/>");
    let nothing = sha1_of_nothing();
    for (content, wanted) in [
        ("sip:alice@example.net".to_owned(), clear("sip:alice@example.net")),
        ("a&amp;b".to_owned(), clear("a&b")),
        ("<base64>AAEC</base64>".to_owned(), Key::Bytes(vec![0, 1, 2])),
        ("\n <base64>\nAA\nEC</base64>\n".to_owned(), Key::Bytes(vec![0, 1, 2])),
        (digest.clone(), Key::Digest(nothing.clone())),
        (
            method("http://www.w3.org/2000/09/xmldsig#sha1") + &digest,
            Key::Digest(nothing),
        ),
    ] {
        assert_eq!(
            record(&format!("<key>{content}</key>")),
            Ok(RecordRequest::Key(wanted)),
            "{content}"
        );
    }
    for (content, wanted) in [
        (String::new(), DocumentError::Empty("key")),
        ("a".repeat(TEXT_LIMIT + 1), DocumentError::LongText("key")),
        ("<base64></base64>".to_owned(), DocumentError::Empty("base64")),
        ("<base64>A</base64>".to_owned(), DocumentError::Field("base64 of a key")),
        (
            format!("<base64>{}</base64>", "AAAA".repeat(400)),
            DocumentError::LongText("base64"),
        ),
        (
            method("http://www.w3.org/2001/04/xmldsig-more#md5") + &digest,
            DocumentError::Algorithm,
        ),
        ("<ds:DigestMethod/>".to_owned() + &digest, DocumentError::Algorithm),
        (
            method("http://www.w3.org/2001/04/xmlenc#sha256") + &digest,
            DocumentError::Field("DigestValue"),
        ),
        (
            "<ds:DigestValue>AA==</ds:DigestValue>".to_owned(),
            DocumentError::Field("DigestValue"),
        ),
        ("a<base64>AAEC</base64>".to_owned(), XmlError::Mixed.into()),
        ("<base64>AAEC</base64>a".to_owned(), XmlError::Mixed.into()),
        (
            "<string>a</string>".to_owned(),
            XmlError::Expected("DigestValue").into(),
        ),
        (
            "<DigestValue>a</DigestValue>".to_owned(),
            XmlError::Expected("DigestValue").into(),
        ),
    ] {
        assert_eq!(record(&format!("<key>{content}</key>")), Err(wanted), "{content}");
    }
}

fn sha1_of_nothing() -> Digest {
    let value = crate::xmlrpc::base64(SHA1_OF_NOTHING).unwrap();
    Digest::new(DigestAlgorithm::Sha1, value).unwrap()
}

#[test]
fn the_unsigned_records_are_read_and_written() {
    let writer = format!(
        "<key>sip:a@b</key>\n<ds:KeyInfo><ds:KeyValue><ds:DigestValue>{SHA1_OF_NOTHING}</ds:DigestValue></ds:KeyValue>\
         </ds:KeyInfo>"
    );
    assert_eq!(
        record(&writer),
        Ok(RecordRequest::OfWriter(clear("sip:a@b"), sha1_of_nothing()))
    );
    let immutable = |content, expires| Ok(RecordRequest::Immutable(Immutable { content, expires }));
    assert_eq!(
        record("<value Id='Two' expires='2026-11-22T10:00:00Z'><string>a&lt;b</string></value>"),
        immutable(Content::Text("a<b".into()), Some(1_795_341_600_000))
    );
    assert_eq!(
        record("<value><base64>AAEC</base64></value>"),
        immutable(Content::Bytes(vec![0, 1, 2]), None)
    );
    assert_eq!(
        record("<key>a</key><value><base64>AAEC</base64></value>"),
        Ok(RecordRequest::Removal(clear("a"), vec![0, 1, 2]))
    );
    for (parts, wanted) in [
        ("", XmlError::Expected("value").into()),
        (
            "<key>a</key><value><string>a</string></value>",
            XmlError::Expected("base64").into(),
        ),
        ("<key>a</key><key>b</key>", ended()),
        ("<value>plain</value>", XmlError::Mixed.into()),
        ("<value/>", XmlError::Expected("base64").into()),
        ("<value><string/></value>", DocumentError::Empty("value")),
        (
            "<value nonce='a'><string>a</string></value>",
            XmlError::Attribute("value").into(),
        ),
        (
            "<value expires='tomorrow'><string>a</string></value>",
            DocumentError::Field("attribute expires"),
        ),
        ("<key a='b'>c</key>", XmlError::Attribute("key").into()),
        ("<key>a</key><ds:Signature/>", ended()),
        (
            "<key>a</key><ds:KeyInfo><ds:KeyName>b</ds:KeyName></ds:KeyInfo>",
            XmlError::Expected("KeyValue").into(),
        ),
        ("<other/>", XmlError::Expected("value").into()),
    ] {
        assert_eq!(record(parts), Err(wanted), "{parts}");
    }
}

fn ended() -> DocumentError {
    XmlError::Expected("that should have ended").into()
}

#[test]
fn services_are_read() {
    let parts = format!(
        "\n<namespace>urn:ietf:params:xml:ns:p2p-sip</namespace><key>sip:a@b</key>\
         <hostIdentifier><ds:DigestValue>{SHA1_OF_NOTHING}</ds:DigestValue></hostIdentifier>\
         <serviceHosts Id='a'>\n<serviceHost service='presence'>sip:192.0.2.1:5060</serviceHost>\
         <serviceHost Id='b'>turn:192.0.2.1</serviceHost>\n</serviceHosts>\n"
    );
    let host = |uri: &str, service: Option<&str>| ServiceHost {
        uri: uri.into(),
        service: service.map(str::to_owned),
    };
    let wanted = Service {
        namespace: Some("urn:ietf:params:xml:ns:p2p-sip".into()),
        key: Some(clear("sip:a@b")),
        host_identifier: Some(Key::Digest(sha1_of_nothing())),
        hosts: vec![
            host("sip:192.0.2.1:5060", Some("presence")),
            host("turn:192.0.2.1", None),
        ],
    };
    assert_eq!(service(&parts), Ok(wanted));
    assert_eq!(service(""), Ok(Service::default()));
    assert_eq!(service("<serviceHosts/>"), Ok(Service::default()));
    let hosts = |count| {
        format!(
            "<serviceHosts>{}</serviceHosts>",
            "<serviceHost>a:b</serviceHost>".repeat(count)
        )
    };
    assert_eq!(service(&hosts(HOSTS_LIMIT)).unwrap().hosts.len(), HOSTS_LIMIT);
    for (parts, wanted) in [
        (hosts(HOSTS_LIMIT + 1), DocumentError::ManyHosts),
        ("<namespace/>".to_owned(), DocumentError::Empty("namespace")),
        (
            format!("<namespace>{}</namespace>", "a".repeat(TEXT_LIMIT + 1)),
            DocumentError::LongText("namespace"),
        ),
        (
            "<serviceHosts><serviceHost/></serviceHosts>".to_owned(),
            DocumentError::Empty("serviceHost"),
        ),
        ("<key>a</key><namespace>b</namespace>".to_owned(), ended()),
        (
            "<serviceHosts><host/></serviceHosts>".to_owned(),
            XmlError::Expected("serviceHost").into(),
        ),
        ("<other/>".to_owned(), ended()),
        ("text".to_owned(), XmlError::Mixed.into()),
        ("<!-- a -->".to_owned(), XmlError::Markup("comment").into()),
        ("<?a?>".to_owned(), XmlError::Markup("processing instruction").into()),
        ("<namespace>&a;</namespace>".to_owned(), XmlError::Entity.into()),
        ("<namespace Id='&a;'>b</namespace>".to_owned(), XmlError::Entity.into()),
    ] {
        assert_eq!(service(&parts), Err(wanted), "{parts}");
    }
    let doctype = format!("<!DOCTYPE a><dhtService {NS}/>");
    assert_eq!(
        Service::read(&doctype),
        Err(XmlError::Markup("document type declaration").into())
    );
    assert_eq!(
        Service::read("<dhtService/>"),
        Err(XmlError::Expected("dhtService").into())
    );
    let prefixed = "<d:dhtService xmlns:d=\"urn:ietf:params:xml:ns:dht\"><d:key>a</d:key></d:dhtService>";
    assert_eq!(Service::read(prefixed).unwrap().key, Some(clear("a")));
    let long = format!("<dhtService {NS}>{}</dhtService>", " ".repeat(DOCUMENT_LIMIT));
    assert_eq!(Service::read(&long), Err(DocumentError::TooLarge));
}

#[test]
fn records_come_back_byte_for_byte() {
    let odd = format!("<dhtRecord  {NS} Id='x' ><key>é &amp; ]]&gt;</key ><a xmlns='b'><a/></a></dhtRecord >");
    let plain = RecordRequest::Key(clear("b")).write();
    let list = write_records([odd.as_str(), plain.as_str()]);
    assert_eq!(read_records(&list), Ok(vec![odd.as_str(), plain.as_str()]));
    let declared = format!("\u{feff}<?xml version='1.0'?>\n<dhtRecords {NS}>\n{odd}\n{plain}\n</dhtRecords>\n");
    assert_eq!(read_records(&declared), Ok(vec![odd.as_str(), plain.as_str()]));
    assert_eq!(read_records(&write_records([])), Ok(vec![]));
    let empty = format!("<dhtRecord {NS}/>");
    assert_eq!(read_records(&write_records([empty.as_str()])), Ok(vec![empty.as_str()]));
}

#[test]
fn lists_that_are_none_are_refused() {
    let list = |records: &str| format!("<dhtRecords {NS}>{records}</dhtRecords>");
    let record = format!("<dhtRecord {NS}/>");
    assert_eq!(
        read_records(&list(&record.repeat(RECORDS_LIMIT))).unwrap().len(),
        RECORDS_LIMIT
    );
    let deep = format!("<dhtRecord {NS}>{}", "<a>".repeat(100_000));
    for (document, wanted) in [
        (list(&record.repeat(RECORDS_LIMIT + 1)), DocumentError::ManyRecords),
        (list("<dhtRecord/>"), DocumentError::Namespace),
        (
            list("<dhtRecord xmlns='urn:other'/>"),
            XmlError::Expected("dhtRecord").into(),
        ),
        (list("<other/>"), XmlError::Expected("dhtRecord").into()),
        (list("text"), XmlError::Mixed.into()),
        (
            list(&format!("<dhtRecord {NS}><!-- a --></dhtRecord>")),
            XmlError::Markup("comment").into(),
        ),
        (list(&deep), XmlError::TooDeep.into()),
        (
            list(&record) + &list(&record),
            XmlError::Expected("after which nothing comes").into(),
        ),
        (record, XmlError::Expected("dhtRecords").into()),
        (String::new(), XmlError::Expected("dhtRecords").into()),
    ] {
        assert_eq!(read_records(&document), Err(wanted));
    }
}

#[test]
fn times_have_one_spelling() {
    assert_eq!(time::format(1_795_341_600_999), "2026-11-22T10:00:00Z");
    assert_eq!(time::format(i64::MIN), "1970-01-01T00:00:00Z");
    assert_eq!(time::format(i64::MAX), "9999-12-31T23:59:59Z");
    for other in [
        "2026-11-22T10:00:00",
        "2026-11-22T10:00:00.5Z",
        "2026-11-22T10:00:00+00:00",
        "2026-11-31T10:00:00Z",
        "12026-11-22T10:00:00Z",
        "1969-12-31T23:59:59Z",
        "",
    ] {
        assert_eq!(time::parse(other), None, "{other}");
    }
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        "[\\r\\n -~é]{1,20}".prop_map(Key::Clear),
        bytes().prop_map(Key::Bytes),
        any_digest().prop_map(Key::Digest)
    ]
}

fn any_digest() -> impl Strategy<Value = Digest> {
    prop_oneof![any::<u8>().prop_map(sha1), any::<u8>().prop_map(sha256)]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..50)
}

proptest! {
    #[test]
    fn requests_survive_being_written(
        key in any_key(),
        writer in any_digest(),
        content in prop_oneof!["[\\r\\n -~é]{1,20}".prop_map(Content::Text), bytes().prop_map(Content::Bytes)],
        expires in prop::option::of((0..253_402_300_799_i64).prop_map(|seconds| seconds * 1000)),
    ) {
        for request in [
            RecordRequest::Key(key.clone()),
            RecordRequest::OfWriter(key, writer),
            RecordRequest::Immutable(Immutable { content, expires }),
        ] {
            prop_assert_eq!(RecordRequest::read(&request.write()), Ok(request));
        }
    }

    #[test]
    fn services_survive_being_written(
        namespace in prop::option::of("[ -~]{1,20}"),
        key in prop::option::of(any_key()),
        host_identifier in prop::option::of(any_key()),
        hosts in prop::collection::vec(("[ -~]{1,20}", prop::option::of("[ -~]{1,20}")), 0..8),
    ) {
        let hosts = hosts.into_iter().map(|(uri, service)| ServiceHost { uri, service }).collect();
        let service = Service { namespace, key, host_identifier, hosts };
        prop_assert_eq!(Service::read(&service.write()), Ok(service));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC*", pieces in prop::collection::vec(prop::sample::select(vec![
        "<dhtRecords xmlns='urn:ietf:params:xml:ns:dht'>", "</dhtRecords>", "<dhtRecord xmlns='urn:ietf:params:xml:ns:dht'>",
        "</dhtRecord>", "<dhtService xmlns='urn:ietf:params:xml:ns:dht'>", "</dhtService>", "<key>", "</key>", "<value>",
        "<string>", "</string>", "</value>", "<base64>", "</base64>", "<serviceHosts>", "<a/>", "é", "&#10;", "<", ">", "<![CDATA[",
    ]), 0..20)) {
        for document in [text, pieces.concat()] {
            let _ = read_records(&document);
            let _ = RecordRequest::read(&document);
            let _ = Service::read(&document);
        }
    }
}
