//! The client, and gateways that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corella_gateway::client::Reason;
use corella_gateway::xmlrpc::{Fault, fault};
use corella_gateway::{CallError, Client, GatewayUrl, Value};
use corella_web::WebError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::World;

/// A server that reads something and says this to everybody, then closes or stays.
async fn canned(answer: Vec<u8>, stay: bool) -> (GatewayUrl, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/RPC2", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        let answer = Arc::new(answer);
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 65_536];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    if stream.write_all(&answer).await.is_err() || !stay {
                        break;
                    }
                }
            });
        }
    });
    (url, connections)
}

fn response(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Type: text/xml\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn good() -> String {
    "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><int>7</int></value>\n</param>\n</params>\n\
     </methodResponse>\n"
        .to_owned()
}

async fn failed(answer: Vec<u8>) -> CallError {
    let (url, _) = canned(answer, true).await;
    let error = Client::new(Duration::from_secs(2))
        .call(&url, "get", &[])
        .await
        .unwrap_err();
    let words = error.to_string();
    assert!(
        words.starts_with(&format!("the call get to the gateway {url} failed: ")),
        "{words}"
    );
    assert!(words.len() < 600, "{words}");
    error
}

#[tokio::test]
async fn a_connection_is_kept_and_used_again() {
    let (url, connections) = canned(response("200 OK", &good()), true).await;
    let client = Client::default();
    for _ in 0..5 {
        assert_eq!(client.call(&url, "get", &[]).await.unwrap(), Value::Int(7));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_made_anew() {
    let (url, connections) = canned(response("200 OK", &good()), false).await;
    let client = Client::default();
    for _ in 0..5 {
        assert_eq!(client.call(&url, "get", &[]).await.unwrap(), Value::Int(7));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn faults_are_told_apart() {
    let world = World::new().await;
    let error = world.client.call(&world.url(), "nonsense", &[]).await.unwrap_err();
    assert_eq!(error.method, "nonsense");
    assert!(
        matches!(
            error.reason,
            Reason::Fault(Fault {
                code: fault::METHOD,
                ..
            })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_answer_is_said() {
    let error = failed(response("404 Not Found", "")).await;
    assert!(matches!(error.reason, Reason::Status(404)), "{error}");
    // Redirections are not followed: a gateway is where the user said.
    let error =
        failed(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    assert!(matches!(error.reason, Reason::Status(302)), "{error}");
    let error = failed(response("200 OK", "<html/>")).await;
    assert!(matches!(error.reason, Reason::Unreadable(_)), "{error}");
    let error = failed(response("200 OK", &"<!DOCTYPE a>".repeat(10_000))).await;
    assert!(matches!(error.reason, Reason::Unreadable(_)), "{error}");
    let error = failed(b"220 mail.example.net ESMTP\r\n".to_vec()).await;
    assert!(matches!(error.reason, Reason::Web(WebError::Broken(_))), "{error}");
    let error = failed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<".to_vec()).await;
    assert!(matches!(error.reason, Reason::Web(WebError::Time(_))), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let error = failed(response("200 OK", &" ".repeat(1_100_000))).await;
    assert!(matches!(error.reason, Reason::Web(WebError::TooLong(_))), "{error}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: GatewayUrl = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1000]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(&[b' '; 10_000]).await.is_ok() {}
    });
    let error = Client::default().call(&url, "get", &[]).await.unwrap_err();
    assert!(matches!(error.reason, Reason::Web(WebError::TooLong(_))), "{error}");
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url: GatewayUrl = format!("http://{address}").parse().unwrap();
    let error = Client::default().call(&url, "get", &[]).await.unwrap_err();
    assert!(matches!(error.reason, Reason::Web(WebError::Connect(_))), "{error}");
    let words = error.to_string();
    assert!(words.contains("refused"), "{words}");
    assert!(words.ends_with("check its address, and whether it runs"), "{words}");
}

#[tokio::test]
async fn a_gateway_that_says_nothing_is_given_up() {
    let (url, _) = canned(Vec::new(), true).await;
    let error = Client::new(Duration::from_millis(200))
        .call(&url, "get", &[])
        .await
        .unwrap_err();
    assert!(matches!(error.reason, Reason::Web(WebError::Time(_))), "{error}");
}

/// The certificates of the system are read, and what is sent first is a ClientHello; nothing of the call goes out in the
/// clear.
#[tokio::test]
async fn an_https_gateway_is_spoken_to_in_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: GatewayUrl = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let first = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut first = [0; 3];
        stream.read_exact(&mut first).await.unwrap();
        first
    });
    let error = Client::default().call(&url, "get", &[]).await.unwrap_err();
    assert!(matches!(error.reason, Reason::Web(WebError::Connect(_))), "{error}");
    assert_eq!(first.await.unwrap(), [0x16, 0x03, 0x01]);
}
