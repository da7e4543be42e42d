//! What nobody sends who means well.

use corella_gateway::xmlrpc::fault;

use crate::world::{World, call, post_head};

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!(
        "<param>{}<value>a</value>{}</param>",
        open.repeat(depth),
        close.repeat(depth)
    )
}

#[tokio::test]
async fn hostile_calls_get_a_short_fault_and_the_connection_lives_on() {
    let world = World::new().await;
    let value = |inner: &str| call("put-auth", &format!("<param><value>{inner}</value></param>"));
    let bomb = "<!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>\
                <methodCall><methodName>get</methodName><params><param><value>&c;</value></param></params></methodCall>";
    let external = "<!DOCTYPE m [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>\
                    <methodCall><methodName>get</methodName><params><param><value>&a;</value></param></params></methodCall>";
    let huge = "A".repeat(60_000);
    let cases: Vec<(Vec<u8>, i32)> = vec![
        (bomb.into(), fault::PARSE),
        (external.into(), fault::PARSE),
        (value("a<!-- b -->").into(), fault::PARSE),
        (value("<?php evil() ?>").into(), fault::PARSE),
        (value("&undefined;").into(), fault::PARSE),
        (value("<string>").into(), fault::PARSE),
        (b"".to_vec(), fault::NO_CALL),
        (b"junk".to_vec(), fault::NO_CALL),
        (b"{\"jsonrpc\": \"2.0\"}".to_vec(), fault::NO_CALL),
        (b"<methodResponse><params/></methodResponse>".to_vec(), fault::NO_CALL),
        (value("<nil/>").into(), fault::NO_CALL),
        (
            value("<array><data><value><nil/></value></data></array>").into(),
            fault::NO_CALL,
        ),
        (value("<base64>*</base64>").into(), fault::NO_CALL),
        (
            call("get", &nested("<value><array><data>", "</data></array></value>", 17)).into(),
            fault::NO_CALL,
        ),
        (
            call("get", &"<value><array><data>".repeat(3_000)).into(),
            fault::NO_CALL,
        ),
        (
            b"<?xml version='1.0' encoding='utf-7'?><methodCall/>".to_vec(),
            fault::ENCODING,
        ),
        (
            b"<methodCall><methodName>\xc3\x28</methodName></methodCall>".to_vec(),
            fault::CHARACTER,
        ),
        (vec![0; 1000], fault::CHARACTER),
        (value(&format!("<base64>{huge}</base64>")).into(), fault::PARAMS),
        (
            call(
                "put-auth",
                "<param><value>a</value></param><param><value>b</value></param>",
            )
            .into(),
            fault::PARAMS,
        ),
        (call("put", "<param><value>a</value></param>").into(), fault::PARAMS),
        (call(&"m".repeat(60_000), "").into(), fault::METHOD),
        (call("system.multicall", "").into(), fault::METHOD),
    ];
    let mut raw = world.connect().await;
    for (body, code) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        let answer = raw.post(&body).await;
        let fault = answer.fault();
        assert_eq!(fault.code, code, "{shown}: {fault}");
        assert!(answer.body.len() < 500, "{fault}");
    }
}

#[tokio::test]
async fn arrays_a_hundred_thousand_deep_are_refused() {
    let limits = corella_gateway::Limits {
        body: 10_000_000,
        ..Default::default()
    };
    let world = World::with(limits, Default::default()).await;
    let mut raw = world.connect().await;
    let body = call(
        "get",
        &nested("<value><array><data>", "</data></array></value>", 100_000),
    );
    assert!(body.len() > 4_000_000);
    let fault = raw.post(body).await.fault();
    assert_eq!(fault.code, fault::NO_CALL);
    assert!(fault.text.contains("nested more than 16 deep"), "{fault}");
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn ten_megabytes_get_a_fault_and_take_no_memory() {
    const PIECE: [u8; 10_000] = [b'a'; 10_000];
    let world = World::new().await;
    let before = resident();
    let mut most = 0;
    for round in 0..6 {
        let mut raw = world.connect().await;
        let chunked = round % 2 == 0;
        if chunked {
            raw.send("POST /RPC2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await;
        } else {
            raw.send(post_head(10_000_000)).await;
        }
        for _ in 0..1_000 {
            if chunked {
                raw.send(b"2710\r\n").await;
            }
            raw.send(PIECE).await;
            if chunked {
                raw.send(b"\r\n").await;
            }
            most = most.max(resident());
        }
        if chunked {
            raw.send(b"0\r\n\r\n").await;
        }
        let fault = raw.answer().await.unwrap().fault();
        assert_eq!(fault.code, fault::TOO_LARGE);
        assert_eq!(fault.text, "the call is longer than 65536 bytes");
        // The client sent it all and was answered: the connection is as good as before.
        assert_eq!(raw.post(call("nonsense", "")).await.fault().code, fault::METHOD);
    }
    // Other tests run beside this one, so there is room for them, but not for one of the bodies.
    assert!(most < before + 8_000_000, "{before} {most}");
}

#[tokio::test]
async fn what_is_far_too_long_is_not_read_at_all() {
    let world = World::new().await;
    for head in [
        post_head(1_000_000_000_000),
        post_head(70_000).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"),
    ] {
        let mut raw = world.connect().await;
        raw.send(&head).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!(answer.status, 413, "{head}");
        raw.closed().await;
    }
}

#[tokio::test]
async fn heads_of_no_form_are_refused_by_http() {
    let world = World::new().await;
    for head in [
        "junk\r\n\r\n".to_owned(),
        "POST /RPC2 HTTP/9.9\r\n\r\n".to_owned(),
        "POST /RPC2 HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_owned(),
        post_head(usize::MAX),
        "POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
        format!("POST /RPC2 HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(100_000)),
        format!("POST /RPC2 HTTP/1.1\r\n{}\r\n", "A: a\r\n".repeat(1_000)),
    ] {
        let mut raw = world.connect().await;
        // The server may hang up while it is being sent.
        let _ = raw.try_send(&head).await;
        if let Some(answer) = raw.answer().await {
            assert!((400..500).contains(&answer.status), "{}", answer.head);
        }
        raw.closed().await;
    }
    assert_eq!(
        world.connect().await.post(call("nonsense", "")).await.fault().code,
        fault::METHOD
    );
}
