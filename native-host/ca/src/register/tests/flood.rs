//! Many ask for one address.

use super::*;

/// Requests for Alice's address from these networks.
fn flood(house: &mut House, networks: std::ops::Range<u16>) -> Vec<RequestId> {
    networks
        .map(|number| house.ask(&person("alice@example.net"), network(number)).unwrap())
        .collect()
}

#[test]
fn a_flood_for_one_address_fills_no_mailbox_and_its_owner_gets_through() {
    let mut house = House::new(Limits::default());
    let alice = person("alice@example.net");
    let mut letters = Vec::new();
    let mut refused = 0;
    // Three hundred requests from fifty networks within an hour.
    for number in 0..300 {
        refused += u32::from(
            house
                .ask(&person("alice@example.net"), network(number % 50 + 10))
                .is_err(),
        );
        letters.extend(house.post());
        house.now += HOUR / 300;
    }
    assert!(refused > 0);
    assert!(letters.len() <= 5, "{} letters in an hour", letters.len());
    let id = house.ask(&alice, network(1)).unwrap();
    let begin = house.now;
    let token = loop {
        let letters = house.post();
        let tags = letters.iter().flat_map(|letter| match &letter.contents {
            Contents::Tokens(tokens) => tokens.clone(),
            Contents::Certificate(_) => Vec::new(),
        });
        if let Some((_, token)) = tags.into_iter().find(|(tag, _)| *tag == id.tag()) {
            break token;
        }
        house.now += MINUTE;
        let _ = house.ask(&person("alice@example.net"), network(7));
        assert!(house.now < begin + 3 * HOUR, "alice's own request waits");
    };
    assert!(
        house.now <= begin + HOUR,
        "after {} minutes",
        (house.now - begin) / MINUTE
    );
    house.answer(&alice, id, token).unwrap();
}

#[test]
fn one_network_has_few_places_beside_others() {
    let limits = Limits {
        waiting_per_address: 3,
        open_per_address_and_network: 2,
        ..Limits::default()
    };
    let mut house = House::new(limits);
    let mut ask = |number| house.ask(&person("alice@example.net"), network(number));
    ask(1).unwrap();
    let second = ask(1).unwrap();
    assert!(matches!(ask(1), Err(AskError::TooManyForAddress)));
    ask(2).unwrap();
    // Full: the second of the first network gives way, and then nobody has asked more than others.
    ask(3).unwrap();
    assert!(matches!(ask(4), Err(AskError::TooManyForAddress)));
    assert!(house.register.status(&second, NOW).unwrap().is_none());
}

#[test]
fn what_was_mailed_holds_no_place_and_stays_good() {
    let mut house = House::new(Limits::default());
    let alice = person("alice@example.net");
    let first = flood(&mut house, 100..164);
    let mailed = house.post();
    assert_eq!(count(&mailed), [64]);
    house.now += HOUR;
    flood(&mut house, 200..264);
    let id = house.ask(&alice, network(1)).unwrap();
    assert_eq!(count(&house.post()), [64]);
    // The pause after the second letter.
    house.now += 10 * MINUTE;
    let letters = house.post();
    assert_eq!(count(&letters), [1]);
    for id in first {
        assert_eq!(house.state(id), Some(State::Mailed));
    }
    house.answer(&alice, id, token_in(&letters, id)).unwrap();
}

#[test]
fn who_asks_again_comes_after_everybodys_first() {
    let mut house = House::new(Limits::default());
    flood(&mut house, 100..164);
    flood(&mut house, 100..164);
    assert_eq!(count(&house.post()), [64]);
    let alice = person("alice@example.net");
    let id = house.ask(&alice, network(1)).unwrap();
    house.now += 5 * MINUTE;
    let letters = house.post();
    assert_eq!(count(&letters), [64]);
    house.answer(&alice, id, token_in(&letters, id)).unwrap();
}

#[test]
fn nobodys_first_request_gives_way() {
    let mut house = House::new(Limits::default());
    for _ in 0..4 {
        flood(&mut house, 100..132);
    }
    let id = house.ask(&person("alice@example.net"), network(1)).unwrap();
    // All others that were first, and nobody's second.
    let firsts = flood(&mut house, 200..295);
    let late = house.ask(&person("alice@example.net"), network(300));
    assert!(matches!(late, Err(AskError::TooManyForAddress)));
    for id in firsts.into_iter().chain([id]) {
        assert_eq!(house.state(id), Some(State::Waiting));
    }
}

#[test]
fn a_flood_of_a_day_makes_no_more_letters_than_pauses_allow() {
    let mut house = House::new(Limits::default());
    let mut letters = 0;
    for minute in 0..24 * 60 {
        for number in [minute, minute + 2000] {
            let _ = house.ask(&person("alice@example.net"), network(number));
        }
        letters += house.post().len();
        house.now += MINUTE;
    }
    // At once, after 5, 10, 20 and 40 minutes, and then every hour.
    assert_eq!(letters, 5 + 22);
}
