//! The fourteen methods, and HTTP around them.

use corella_gateway::Value;
use corella_gateway::draft::{
    Content, Digest, DigestAlgorithm, Immutable, Key, RecordRequest, Service, ServiceHost, read_records,
};
use corella_gateway::xmlrpc::{Fault, fault, read_response};
use openssl::sha::sha1;

use crate::world::{World, bytes, call, post_head, text};

const RECORD: &str = "<dhtRecord xmlns=\"urn:ietf:params:xml:ns:dht\"><key Id=\"One\">sip:bob@example.net</key>\
    <Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignatureValue>AA==</SignatureValue></Signature></dhtRecord>";

fn document(value: Value) -> String {
    match value {
        Value::String(document) => document,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn signed_records_are_put_got_and_removed() {
    let world = World::new().await;
    assert_eq!(world.call("put-auth", &[text(RECORD)]).await, Value::Bool(true));
    let key = Key::Clear("sip:bob@example.net".into());
    let writer = Digest::new(DigestAlgorithm::Sha1, vec![1; 20]).unwrap();
    for (method, request) in [
        ("get", RecordRequest::Key(key.clone())),
        ("get-auth", RecordRequest::OfWriter(key.clone(), writer)),
    ] {
        let found = document(world.call(method, &[text(&request.write())]).await);
        assert_eq!(read_records(&found).unwrap(), [RECORD]);
        // As base64, too.
        let found = document(world.call(method, &[bytes(request.write().as_bytes())]).await);
        assert_eq!(read_records(&found).unwrap(), [RECORD]);
    }
    // Who signs the question is told what only they may read.
    let found = document(world.call("get", &[text(RECORD)]).await);
    assert_eq!(read_records(&found).unwrap(), [RECORD]);
    for (secret, removed) in [(b"secret", true), (b"others", false)] {
        let request = RecordRequest::Removal(key.clone(), secret.to_vec()).write();
        assert_eq!(world.call("remove-auth", &[text(&request)]).await, Value::Bool(removed));
    }
    assert_eq!(world.call("remove-auth", &[text(RECORD)]).await, Value::Bool(true));
    let found = document(world.call("get", &[text(&RecordRequest::Key(key).write())]).await);
    assert!(read_records(&found).unwrap().is_empty());
    assert_eq!(world.memory.callers()[0].to_string(), "127.0.0.1");
}

#[tokio::test]
async fn immutable_values_are_put_and_got() {
    let world = World::new().await;
    let value = RecordRequest::Immutable(Immutable {
        content: Content::Text("a & b".into()),
        expires: Some(1_795_341_600_000),
    });
    assert_eq!(
        world.call("put-immut", &[text(&value.write())]).await,
        Value::Bool(true)
    );
    let key = |content: &[u8]| {
        let digest = Digest::new(DigestAlgorithm::Sha1, sha1(content).to_vec()).unwrap();
        text(&RecordRequest::Key(Key::Digest(digest)).write())
    };
    let found = document(world.call("get-immut", &[key(b"a & b")]).await);
    assert_eq!(read_records(&found).unwrap(), [value.write()]);
    let found = document(world.call("get-immut", &[key(b"other")]).await);
    assert!(read_records(&found).unwrap().is_empty());
}

#[tokio::test]
async fn services_are_joined_looked_up_and_left() {
    let world = World::new().await;
    let service = Service {
        namespace: Some("urn:ietf:params:xml:ns:p2p-sip".into()),
        hosts: vec![ServiceHost {
            uri: "sip:192.0.2.1".into(),
            service: Some("presence".into()),
        }],
        ..Service::default()
    };
    let joined = document(world.call("join", &[text(&service.write())]).await);
    let joined = Service::read(&joined).unwrap();
    assert_eq!(joined.hosts, service.hosts);
    assert!(joined.host_identifier.is_some());
    let found = document(world.call("lookup", &[text(&service.write())]).await);
    assert_eq!(Service::read(&found).unwrap(), joined);
    assert_eq!(world.call("leave", &[text(&service.write())]).await, Value::Bool(true));
}

#[tokio::test]
async fn opendhts_values_are_put_listed_and_removed() {
    let world = World::new().await;
    let key = bytes(&[7; 20]);
    let app = text("test");
    let ok = Value::Int(0);
    for value in [b"a", b"b", b"c"] {
        let put = [key.clone(), bytes(value), 3600.into(), app.clone()];
        assert_eq!(world.call("put", &put).await, ok);
    }
    let secret = [
        key.clone(),
        bytes(b"d"),
        text("SHA"),
        bytes(&sha1(b"secret")),
        60.into(),
        app.clone(),
    ];
    assert_eq!(world.call("put_removable", &secret).await, ok);

    let mut listed = Vec::new();
    let mut placemark = bytes(b"");
    loop {
        let page = world
            .call("get", &[key.clone(), 3.into(), placemark, app.clone()])
            .await;
        let Value::Array(mut parts) = page else { panic!() };
        placemark = parts.pop().unwrap();
        let Some(Value::Array(values)) = parts.pop() else {
            panic!()
        };
        listed.extend(values);
        if placemark == bytes(b"") {
            break;
        }
    }
    assert_eq!(listed.len(), 4);
    for value in [b"a", b"b", b"c", b"d"] {
        assert!(listed.contains(&bytes(value)));
    }

    let remove = |secret: &[u8]| {
        [
            key.clone(),
            bytes(&sha1(b"d")),
            text("SHA"),
            bytes(secret),
            60.into(),
            app.clone(),
        ]
    };
    let details = async || match world
        .call("get_details", &[key.clone(), 10.into(), bytes(b""), app.clone()])
        .await
    {
        Value::Array(parts) => match &parts[0] {
            Value::Array(values) => values.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    world.call("rm", &remove(b"guess")).await;
    assert_eq!(details().await.len(), 4);
    assert_eq!(world.call("rm", &remove(b"secret")).await, ok);
    let left = details().await;
    assert_eq!(left.len(), 3);
    let Value::Array(fields) = &left[0] else { panic!() };
    assert!(matches!(
        &fields[..],
        [Value::Base64(_), Value::Int(3500..=3600), Value::String(none), Value::Base64(hash)] if none.is_empty() && hash.is_empty()
    ));
}

#[tokio::test]
async fn get_is_the_drafts_with_one_parameter_and_opendhts_with_four() {
    let world = World::new().await;
    let mut raw = world.connect().await;
    let answer = raw.post(call("get", "<param><value>no document</value></param>")).await;
    assert!(answer.fault().text.starts_with("the document is refused: "));
    let answer = raw.post(call("get", "")).await;
    assert!(answer.fault().text.starts_with("get and get_details take key"));
}

#[tokio::test]
async fn the_unsigned_records_must_be_those_of_the_method() {
    let world = World::new().await;
    let key = text(&RecordRequest::Key(Key::Clear("a".into())).write());
    let content = Content::Bytes(vec![1]);
    let value = text(&RecordRequest::Immutable(Immutable { content, expires: None }).write());
    for (method, param) in [
        ("get-auth", &key),
        ("put-immut", &key),
        ("get", &value),
        ("get-immut", &value),
    ] {
        let failed = world
            .client
            .call(&world.url(), method, std::slice::from_ref(param))
            .await
            .unwrap_err();
        assert!(
            failed
                .to_string()
                .contains("not exactly the parts that the method takes"),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn a_backends_fault_reaches_the_client() {
    let world = World::new().await;
    let mut raw = world.connect().await;
    let answer = raw.post(call("put-auth", "<param><value>junk</value></param>")).await;
    assert_eq!(answer.fault(), Fault::new(fault::REFUSED, "malformed"));
}

#[tokio::test]
async fn a_connection_serves_call_after_call() {
    let world = World::new().await;
    let mut raw = world.connect().await;
    for _ in 0..3 {
        let answer = raw.post(call("nonsense", "")).await;
        assert_eq!(answer.fault(), Fault::new(fault::METHOD, "there is no such method"));
        assert!(answer.head.contains("content-type: text/xml"));
    }
}

#[tokio::test]
async fn only_posts_to_the_two_paths_are_taken() {
    let world = World::new().await;
    let body = call("nonsense", "");
    let head = |line: &str, field: &str| {
        format!(
            "{line} HTTP/1.1\r\nHost: a\r\n{field}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for (request, status) in [
        // OpenDHT's gateways answered at their root, and there its clients post.
        (head("POST /", ""), 200),
        (head("POST //", ""), 404),
        (head("POST /RPC2/", ""), 404),
        (head("POST /rpc2", ""), 404),
        (head("POST /RPC2", "Origin: http://page.example\r\n"), 403),
        (head("POST /RPC2", "Content-Encoding: gzip\r\n"), 415),
        (head("POST /RPC2", ""), 200),
        (head("POST /RPC2?a", ""), 200),
        (head("POST /RPC2", "Content-Type: image/png\r\n"), 200),
        (head("POST /RPC2", "Content-Encoding: identity\r\n"), 200),
    ] {
        let mut raw = world.connect().await;
        raw.send(&request).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!(answer.status, status, "{request}");
        assert_eq!(answer.body.is_empty(), status != 200);
    }
    for method in ["GET", "PUT", "OPTIONS", "DELETE"] {
        let mut raw = world.connect().await;
        raw.send(format!("{method} /RPC2 HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!(answer.status, 405);
        assert!(answer.head.contains("allow: post\r\n"), "{}", answer.head);
    }
}

#[tokio::test]
async fn a_body_may_come_in_chunks_and_over_http_1_0() {
    let world = World::new().await;
    let body = call("nonsense", "");
    let mut raw = world.connect().await;
    raw.send("POST /RPC2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for piece in body.as_bytes().chunks(10) {
        raw.send(format!("{:x}\r\n", piece.len())).await;
        raw.send(piece).await;
        raw.send("\r\n").await;
    }
    raw.send("0\r\n\r\n").await;
    assert_eq!(raw.answer().await.unwrap().fault().code, fault::METHOD);

    let mut raw = world.connect().await;
    raw.send(post_head(body.len()).replace("HTTP/1.1", "HTTP/1.0")).await;
    raw.send(&body).await;
    let answer = raw.answer().await.unwrap();
    assert!(read_response(&answer.body).unwrap().is_err());
    raw.closed().await;
}
