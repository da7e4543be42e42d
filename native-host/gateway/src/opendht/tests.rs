use proptest::prelude::*;

use super::*;
use crate::xmlrpc::{Fault, Value, fault};

fn bytes(length: usize) -> Value {
    Value::Base64(vec![7; length])
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn read(method: &str, params: Vec<Value>) -> Result<OpenDhtCall, Fault> {
    OpenDhtCall::read(method, params).expect("one of the five")
}

fn key(length: usize) -> Key {
    let mut key = [0; KEY_LIMIT];
    key[KEY_LIMIT - length..].fill(7);
    Key(key)
}

#[test]
fn the_five_methods_are_read() {
    let week = i32::try_from(TTL_LIMIT).unwrap();
    let put = |secret_hash| {
        OpenDhtCall::Put(Put {
            key: key(20),
            value: vec![7; 1024],
            secret_hash,
            ttl: TTL_LIMIT,
        })
    };
    assert_eq!(
        read("put", vec![bytes(20), bytes(1024), week.into(), text("put.py")]),
        Ok(put(None))
    );
    let removable = |hash: Value| {
        read(
            "put_removable",
            vec![bytes(20), bytes(1024), text("SHA"), hash, week.into(), text("put.py")],
        )
    };
    assert_eq!(removable(bytes(20)), Ok(put(Some(vec![7; 20]))));
    assert_eq!(removable(bytes(0)), Ok(put(None)));
    for (method, details) in [("get", false), ("get_details", true)] {
        assert_eq!(
            read(method, vec![bytes(20), 10.into(), bytes(100), text("get.py")]),
            Ok(OpenDhtCall::Get(Get {
                key: key(20),
                maxvals: 10,
                placemark: vec![7; 100],
                details,
            }))
        );
    }
    assert_eq!(
        read(
            "rm",
            vec![bytes(20), bytes(20), text("SHA"), bytes(40), 3600.into(), text("rm.py")]
        ),
        Ok(OpenDhtCall::Remove(Remove {
            key: key(20),
            value_hash: vec![7; 20],
            secret: vec![7; 40],
            ttl: 3600,
        }))
    );
    assert!(OpenDhtCall::read("put-auth", vec![]).is_none());
}

#[test]
fn what_is_too_long_is_refused_in_bamboos_words() {
    let long = text(&"a".repeat(256));
    let sha = || text("SHA");
    let app = || text("a");
    let hour = || Value::Int(3600);
    for (method, params, words) in [
        (
            "put",
            vec![bytes(21), bytes(1), hour(), app()],
            "key is longer than 20 bytes",
        ),
        ("put", vec![bytes(0), bytes(1), hour(), app()], "key is empty"),
        (
            "put",
            vec![bytes(20), bytes(1025), hour(), app()],
            "value is longer than 1024 bytes",
        ),
        (
            "put",
            vec![bytes(20), bytes(1), hour(), long.clone()],
            "application is longer than 255 bytes",
        ),
        (
            "put_removable",
            vec![bytes(20), bytes(1), text("SHA1"), bytes(20), hour(), app()],
            "unknown secret hash algorithm: only \"SHA\" is known",
        ),
        (
            "put_removable",
            vec![bytes(20), bytes(1), sha(), bytes(21), hour(), app()],
            "secret hash is longer than 20 bytes",
        ),
        (
            "get",
            vec![bytes(21), 1.into(), bytes(0), app()],
            "key is longer than 20 bytes",
        ),
        (
            "get",
            vec![bytes(20), 0.into(), bytes(0), app()],
            "maxvals is less than 1",
        ),
        (
            "get_details",
            vec![bytes(20), (-1).into(), bytes(0), app()],
            "maxvals is less than 1",
        ),
        (
            "get",
            vec![bytes(20), 1.into(), bytes(101), app()],
            "placemark is longer than 100 bytes",
        ),
        (
            "rm",
            vec![bytes(20), bytes(21), sha(), bytes(40), hour(), app()],
            "value_hash is longer than 20 bytes",
        ),
        (
            "rm",
            vec![bytes(20), bytes(20), sha(), bytes(41), hour(), app()],
            "secret is longer than 40 bytes",
        ),
    ] {
        assert_eq!(read(method, params), Err(Fault::new(fault::PARAMS, words)));
    }
}

#[test]
fn other_parameters_are_refused_with_those_that_are_taken() {
    let good = [bytes(20), bytes(1), Value::Int(1), text("a")];
    for wrong in [
        vec![],
        good[..3].to_vec(),
        [&good[..], &good[..1]].concat(),
        vec![text("key"), bytes(1), Value::Int(1), text("a")],
        vec![bytes(20), bytes(1), text("1"), text("a")],
        vec![bytes(20), bytes(1), Value::Int(1), bytes(1)],
    ] {
        let fault = read("put", wrong).unwrap_err();
        assert_eq!(fault.code, fault::PARAMS);
        assert!(fault.text.starts_with("put takes key (base64), "), "{fault}");
    }
}

#[test]
fn times_and_counts_are_cut_to_what_may_be() {
    let ttl = |seconds: i32| match read("put", vec![bytes(20), bytes(1), seconds.into(), text("a")]) {
        Ok(OpenDhtCall::Put(put)) => put.ttl,
        other => panic!("{other:?}"),
    };
    assert_eq!([i32::MIN, -1, 0, 1].map(ttl), [0, 0, 0, 1]);
    assert_eq!([604_800, 604_801, i32::MAX].map(ttl), [604_800; 3]);
    let maxvals = |count: i32| match read("get", vec![bytes(20), count.into(), bytes(0), text("a")]) {
        Ok(OpenDhtCall::Get(get)) => get.maxvals,
        other => panic!("{other:?}"),
    };
    // The number that OpenDHT's clients gave for "all".
    assert_eq!([1, 500, 501, i32::MAX - 1].map(maxvals), [1, 500, 500, 500]);
}

#[test]
fn short_keys_are_numbers() {
    let get = |key: Vec<u8>| read("get", vec![key.into(), 1.into(), bytes(0), text("a")]);
    assert_eq!(get(vec![1, 2]), get([vec![0; 18], vec![1, 2]].concat()));
    assert_ne!(get(vec![1, 2]), get([vec![1, 2], vec![0; 18]].concat()));
}

#[test]
fn answers_are_written_as_bamboo_wrote_them() {
    for (outcome, code) in [(Outcome::Success, 0), (Outcome::Capacity, 1), (Outcome::Again, 2)] {
        assert_eq!(Value::from(OpenDhtAnswer::Outcome(outcome)), Value::Int(code));
    }
    let page = Page {
        values: vec![
            Stored {
                value: b"a".to_vec(),
                ttl: 60,
                secret_hash: None,
            },
            Stored {
                value: b"b".to_vec(),
                ttl: TTL_LIMIT,
                secret_hash: Some(vec![7; 20]),
            },
        ],
        placemark: vec![1],
    };
    let (a, b) = (Value::Base64(b"a".to_vec()), Value::Base64(b"b".to_vec()));
    assert_eq!(
        Value::from(OpenDhtAnswer::Values(page.clone())),
        Value::Array(vec![Value::Array(vec![a.clone(), b.clone()]), Value::Base64(vec![1])])
    );
    let details = Value::Array(vec![
        Value::Array(vec![a, 60.into(), text(""), bytes(0)]),
        Value::Array(vec![b, 604_800.into(), text("SHA"), bytes(20)]),
    ]);
    assert_eq!(
        Value::from(OpenDhtAnswer::Details(page)),
        Value::Array(vec![details, Value::Base64(vec![1])])
    );
}

#[test]
fn the_largest_answer_is_within_what_a_client_takes() {
    let stored = Stored {
        value: vec![0xff; VALUE_LIMIT],
        ttl: TTL_LIMIT,
        secret_hash: Some(vec![0xff; HASH_LIMIT]),
    };
    let page = Page {
        values: vec![stored; usize::from(MAXVALS_LIMIT)],
        placemark: vec![0xff; PLACEMARK_LIMIT],
    };
    let answer = crate::xmlrpc::write_response(&OpenDhtAnswer::Details(page).into());
    assert!(answer.len() <= crate::client::RESPONSE_LIMIT, "{}", answer.len());
}

proptest! {
    #[test]
    fn no_parameters_make_it_panic(
        method in prop::sample::select(vec!["put", "put_removable", "get", "get_details", "rm"]),
        params in prop::collection::vec(prop_oneof![
            any::<i32>().prop_map(Value::Int),
            "[A-Z]{0,3}|SHA".prop_map(Value::String),
            prop::collection::vec(any::<u8>(), 0..50).prop_map(Value::Base64),
        ], 0..8),
    ) {
        let _ = read(method, params);
    }
}
