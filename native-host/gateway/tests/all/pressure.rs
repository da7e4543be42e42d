//! Slow clients, many clients, many calls, and the end.

use std::time::{Duration, Instant};

use corella_gateway::xmlrpc::fault;
use corella_gateway::{Limits, Value};
use tokio::net::TcpSocket;

use crate::world::{Raw, World, bytes, call, post_head, text};

const SHORT: Duration = Duration::from_millis(300);

fn put_call() -> String {
    let value = |bytes: &str| format!("<param><value><base64>{bytes}</base64></value></param>");
    let rest = "<param><value><int>60</int></value></param><param><value>test</value></param>";
    call("put", &format!("{}{}{rest}", value("AAAA"), value("AAAA")))
}

#[tokio::test]
async fn a_slow_head_ends_the_connection() {
    let limits = Limits {
        idle_time: SHORT,
        ..Limits::default()
    };
    let world = World::with(limits, Duration::ZERO).await;
    let mut raw = world.connect().await;
    let began = Instant::now();
    let slow = async {
        for byte in "POST /RPC2 HTTP/1.1\r\nHost: gateway\r\n".bytes().cycle() {
            if raw.try_send([byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), slow)
        .await
        .expect("hung up in time");
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = Limits {
        idle_time: SHORT,
        ..Limits::default()
    };
    let world = World::with(limits, Duration::ZERO).await;
    let mut silent = world.connect().await;
    let mut once = world.connect().await;
    once.post(put_call()).await;
    tokio::join!(silent.closed(), once.closed());
}

#[tokio::test]
async fn a_slow_body_is_answered_with_408() {
    let limits = Limits {
        body_time: SHORT,
        ..Limits::default()
    };
    let world = World::with(limits, Duration::ZERO).await;
    let mut raw = world.connect().await;
    raw.send(post_head(1000)).await;
    raw.send("<methodCall>").await;
    assert_eq!(raw.answer().await.unwrap().status, 408);
    raw.closed().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let limits = Limits {
        answer_time: SHORT,
        ..Limits::default()
    };
    let world = World::with(limits, Duration::ZERO).await;
    for number in 0..500_u32 {
        let mut value = vec![0; 1024];
        value[..4].copy_from_slice(&number.to_be_bytes());
        world
            .call("put", &[bytes(&[1]), Value::Base64(value), 600.into(), text("test")])
            .await;
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut raw = Raw::on(socket.connect(world.address()).await.unwrap());
    let body = call(
        "get",
        "<param><value><base64>AQ==</base64></value></param><param><value><int>500</int></value></param>\
         <param><value><base64/></value></param><param><value>test</value></param>",
    );
    // Each answer has 700 kB, and none is read: what the system keeps for a socket is soon full.
    let deaf = async {
        loop {
            let request = format!("{}{body}", post_head(body.len()));
            if raw.try_send(request).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), deaf)
        .await
        .expect("hung up in time");
}

#[tokio::test]
async fn a_client_has_so_many_connections() {
    let limits = Limits {
        connections_per_client: 3,
        ..Limits::default()
    };
    let world = World::with(limits, Duration::ZERO).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut raw = world.connect().await;
        raw.post(put_call()).await;
        held.push(raw);
    }
    let mut turned_away = world.connect().await;
    assert_eq!(turned_away.answer().await.unwrap().status, 503);
    turned_away.closed().await;
    // Those that are in stay, and who leaves makes room.
    for raw in &mut held {
        assert_eq!(raw.post(put_call()).await.status, 200);
    }
    held.pop();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let mut raw = world.connect().await;
        raw.send(post_head(0)).await;
        if raw.answer().await.is_some_and(|answer| answer.status == 200) {
            break;
        }
        assert!(Instant::now() < deadline, "the place was not given free");
    }
}

#[tokio::test]
async fn a_crowd_is_turned_away_and_calls_go_on() {
    let limits = Limits {
        connections: 50,
        connections_per_client: 50,
        ..Limits::default()
    };
    let world = World::with(limits, Duration::ZERO).await;
    let mut first = world.connect().await;
    first.post(put_call()).await;
    let mut crowd = Vec::new();
    for _ in 0..400 {
        crowd.push(world.connect().await);
    }
    assert_eq!(first.post(put_call()).await.status, 200);
}

#[tokio::test]
async fn a_client_has_so_many_calls_at_once() {
    let limits = Limits {
        calls_per_client: 2,
        ..Limits::default()
    };
    let world = World::with(limits, Duration::from_millis(1500)).await;
    let mut raws = Vec::new();
    for _ in 0..5 {
        raws.push(world.connect().await);
    }
    let mut busy = 0;
    for raw in &mut raws {
        raw.send(post_head(put_call().len()) + &put_call()).await;
    }
    for raw in &mut raws {
        let answer = raw.answer().await.unwrap();
        let body = String::from_utf8(answer.body.clone()).unwrap();
        if body.contains("<fault>") {
            assert_eq!(answer.fault().code, fault::BUSY);
            busy += 1;
        }
    }
    assert_eq!(busy, 3);
    assert_eq!(raws[4].post(put_call()).await.status, 200);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_answered_and_dropped() {
    let limits = Limits {
        call_time: SHORT,
        ..Limits::default()
    };
    let world = World::with(limits, Duration::from_secs(3600)).await;
    let answer = world.connect().await.post(put_call()).await;
    assert_eq!(answer.fault().code, fault::UNAVAILABLE);
    assert!(world.memory.callers().is_empty());
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_call() {
    let world = World::with(Limits::default(), Duration::from_secs(3600)).await;
    let mut raw = world.connect().await;
    raw.send(post_head(put_call().len()) + &put_call()).await;
    world.running(1).await;
    drop(raw);
    world.running(0).await;
    assert!(world.memory.callers().is_empty());
}

#[tokio::test]
async fn the_end_comes_within_two_seconds() {
    let world = World::with(Limits::default(), Duration::from_millis(400)).await;
    let mut idle = world.connect().await;
    idle.post(put_call()).await;
    let _silent = world.connect().await;
    let mut half = world.connect().await;
    half.send("POST /RPC2 HTTP/1.1\r\n").await;
    let mut running = world.connect().await;
    running.send(post_head(put_call().len()) + &put_call()).await;
    world.running(1).await;
    let began = Instant::now();
    world.stop.cancel();
    // A call that runs is still answered.
    assert_eq!(running.answer().await.unwrap().status, 200);
    let address = world.address();
    world.server.ended().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    idle.closed().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_said() {
    let world = World::new().await;
    let again = corella_gateway::Server::start(
        world.address(),
        world.memory.clone(),
        Limits::default(),
        world.stop.clone(),
    );
    let error = again.await.unwrap_err().to_string();
    assert!(error.contains(&world.address().to_string()), "{error}");
    assert!(
        error.contains("choose an address of this machine and a port that is free"),
        "{error}"
    );
}
