//! What people and their mailboxes rely on.

mod flood;

use std::net::IpAddr;

use corella_identity::enrolment::{NewKey, TOKEN_LIFETIME, Token, answer_statement};
use corella_identity::{AddressOfRecord, Certificate};
use tempfile::TempDir;

use super::*;
use crate::authority::Authority;
use crate::network::Network;
use crate::request::Request;

/// 2026-06-15T12:00:00Z.
const NOW: Millis = 1_781_524_800_000;
const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

/// An authority with its mail server, whose letters this test carries.
struct House {
    register: Register,
    authority: Authority,
    now: Millis,
    _folder: TempDir,
}

impl House {
    fn new(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Authority::init(folder.path(), "Example", NOW).unwrap();
        Self {
            register: Register::open(None, limits).unwrap(),
            authority: Authority::open(folder.path(), "https://ca.example.net").unwrap(),
            now: NOW,
            _folder: folder,
        }
    }

    fn ask(&mut self, person: &Person, network: Network) -> Result<RequestId, AskError> {
        let asked = self.register.ask(&person.request, network, self.now);
        asked.map(|status| RequestId::from(status.id))
    }

    fn letters(&mut self) -> Vec<Letter> {
        self.register
            .letters(self.authority.token_key(), 100, self.now)
            .unwrap()
    }

    /// The mail server takes everything.
    fn post(&mut self) -> Vec<Letter> {
        let letters = self.letters();
        for letter in &letters {
            self.register.sent(letter, self.now).unwrap();
        }
        letters
    }

    fn answer(&mut self, person: &Person, id: RequestId, token: Token) -> Result<Certificate, AnswerError> {
        let answer = self.signed(person, id, token, false);
        self.register.answer(&self.authority, &answer, self.now)
    }

    fn signed(&self, person: &Person, id: RequestId, token: Token, revoke_others: bool) -> Answer {
        let statement = answer_statement(
            &self.authority.fingerprint(),
            &person.address,
            &id,
            &token,
            revoke_others,
        );
        let signature = person.key.sign(&statement).unwrap();
        Answer {
            id,
            token,
            revoke_others,
            signature,
        }
    }

    fn state(&mut self, id: RequestId) -> Option<State> {
        self.register.status(&id, self.now).unwrap().unwrap().state
    }

    fn enrolled(&mut self, person: &Person) -> Certificate {
        let id = self.ask(person, network(1)).unwrap();
        let letters = self.post();
        let certificate = self.answer(person, id, token_in(&letters, id)).unwrap();
        self.post();
        certificate
    }

    fn events(&mut self) -> Vec<String> {
        let events = self
            .register
            .audit(100)
            .unwrap()
            .into_iter()
            .map(|(_, event, ..)| event);
        events.rev().collect()
    }
}

struct Person {
    address: AddressOfRecord,
    key: NewKey,
    request: Request,
}

fn person(address: &str) -> Person {
    let address: AddressOfRecord = address.parse().unwrap();
    let key = NewKey::generate(&address).unwrap();
    let request = Request::from_der(&key.request().unwrap()).unwrap();
    Person { address, key, request }
}

fn network(number: u16) -> Network {
    let [high, low] = number.to_be_bytes();
    Network::of(IpAddr::from([10, high, low, 1]))
}

fn token_in(letters: &[Letter], id: RequestId) -> Token {
    let tokens = letters.iter().filter_map(|letter| match &letter.contents {
        Contents::Tokens(tokens) => Some(tokens),
        Contents::Certificate(_) => None,
    });
    tokens
        .flatten()
        .find(|(tag, _)| *tag == id.tag())
        .expect("a token for this request")
        .1
}

fn count(letters: &[Letter]) -> Vec<usize> {
    let tokens = letters.iter().map(|letter| match &letter.contents {
        Contents::Tokens(tokens) => tokens.len(),
        Contents::Certificate(_) => 0,
    });
    tokens.collect()
}

#[test]
fn who_reads_the_mail_and_holds_the_key_gets_the_certificate() {
    let mut house = House::new(Limits::default());
    let alice = person("alice@example.net");
    let id = house.ask(&alice, network(1)).unwrap();
    assert_eq!(house.state(id), Some(State::Waiting));
    let letters = house.post();
    assert_eq!((count(&letters), &letters[0].to), (vec![1], &alice.address));
    assert_eq!(house.state(id), Some(State::Mailed));
    let token = token_in(&letters, id);
    let certificate = house.answer(&alice, id, token).unwrap();
    assert!(alice.key.is_key_of(&certificate) && certificate.speaks_for(&alice.address));
    assert_eq!(house.state(id), Some(State::Issued));
    // It comes by mail too, once.
    let letters = house.post();
    assert!(matches!(&letters[..], [Letter { contents: Contents::Certificate(mailed), .. }] if *mailed == certificate));
    assert!(house.post().is_empty());
    // Whoever lost the answer asks again, and nothing more is issued.
    assert_eq!(house.answer(&alice, id, token).unwrap(), certificate);
    assert_eq!(house.register.certificates(None).unwrap().len(), 1);
    assert_eq!(
        house.events(),
        ["asked", "tokens mailed", "issued", "certificate mailed"]
    );
}

#[test]
fn nothing_else_gets_a_certificate() {
    let mut house = House::new(Limits::default());
    let (alice, mallory) = (person("alice@example.net"), person("alice@example.net"));
    let id = house.ask(&alice, network(1)).unwrap();
    let other = house.ask(&mallory, network(2)).unwrap();
    let letters = house.post();
    let (token, others) = (token_in(&letters, id), token_in(&letters, other));
    // Taken from another request, signed by another key, of no request.
    assert!(matches!(house.answer(&alice, id, others), Err(AnswerError::Token)));
    assert!(matches!(house.answer(&mallory, other, token), Err(AnswerError::Token)));
    assert!(matches!(house.answer(&mallory, id, token), Err(AnswerError::Signature)));
    assert!(matches!(
        house.answer(&alice, RequestId::new().unwrap(), token),
        Err(AnswerError::Unknown)
    ));
    // A signature is of one answer.
    let mut answer = house.signed(&alice, id, token, false);
    answer.revoke_others = true;
    assert!(matches!(
        house.register.answer(&house.authority, &answer, NOW),
        Err(AnswerError::Signature)
    ));
    // Late.
    house.now += TOKEN_LIFETIME + 1;
    assert!(matches!(house.answer(&alice, id, token), Err(AnswerError::Expired)));
    assert_eq!(house.state(id), None);
    assert!(house.register.certificates(None).unwrap().is_empty());
}

#[test]
fn networks_and_all_together_are_limited() {
    let limits = Limits {
        per_network: 2,
        in_all: 3,
        ..Limits::default()
    };
    let mut house = House::new(limits);
    let names = ["a", "b", "c", "d", "e"].map(|name| person(&format!("{name}@example.net")));
    house.ask(&names[0], network(1)).unwrap();
    house.ask(&names[1], network(1)).unwrap();
    assert!(matches!(
        house.ask(&names[2], network(1)),
        Err(AskError::TooManyFromNetwork)
    ));
    // Known requests cost nothing.
    house.ask(&names[0], network(1)).unwrap();
    house.ask(&names[2], network(2)).unwrap();
    assert!(matches!(house.ask(&names[3], network(3)), Err(AskError::Busy)));
    house.now += HOUR;
    house.ask(&names[3], network(3)).unwrap();
}

#[test]
fn the_same_request_is_one_and_gets_one_letter() {
    let mut house = House::new(Limits::default());
    let alice = person("alice@example.net");
    let id = house.ask(&alice, network(1)).unwrap();
    assert_eq!(house.ask(&alice, network(2)).unwrap().to_string(), id.to_string());
    assert_eq!(count(&house.post()), [1]);
    assert_eq!(house.ask(&alice, network(1)).unwrap().to_string(), id.to_string());
    house.now += 2 * HOUR;
    assert!(house.post().is_empty());
    // After its day it is a new one.
    house.now = NOW + TOKEN_LIFETIME + 1;
    assert_ne!(house.ask(&alice, network(1)).unwrap().to_string(), id.to_string());
    assert_eq!(count(&house.post()), [1]);
}

#[test]
fn a_mail_server_that_is_down_loses_nothing() {
    let mut house = House::new(Limits::default());
    let alice = person("alice@example.net");
    let id = house.ask(&alice, network(1)).unwrap();
    for minutes in [1, 2, 4] {
        let letters = house.letters();
        assert_eq!(count(&letters), [1]);
        // Whoever sends has it for themselves.
        assert!(house.letters().is_empty());
        house
            .register
            .failed(&letters[0], false, "connection refused", house.now)
            .unwrap();
        let (due, failed) = house.register.status(&id, house.now).unwrap().unwrap().letter.unwrap();
        assert_eq!((due, failed), (house.now + minutes * MINUTE, true));
        assert_eq!(house.register.next_letter().unwrap(), Some(due));
        house.now = due;
    }
    let letters = house.post();
    assert!(house.answer(&alice, id, token_in(&letters, id)).is_ok());
}

#[test]
fn whoever_ends_while_sending_sends_again_the_same() {
    let mut house = House::new(Limits::default());
    let alice = person("alice@example.net");
    let id = house.ask(&alice, network(1)).unwrap();
    let first = token_in(&house.letters(), id);
    house.now += HOUR;
    let second = token_in(&house.post(), id);
    assert!(first.is(&second));
    assert!(house.answer(&alice, id, first).is_ok());
}

#[test]
fn an_address_that_does_not_exist_is_said_to_be_so() {
    let mut house = House::new(Limits::default());
    let nobody = person("nobody@example.net");
    let id = house.ask(&nobody, network(1)).unwrap();
    let letters = house.letters();
    let meanwhile = house.ask(&person("nobody@example.net"), network(2)).unwrap();
    house
        .register
        .failed(&letters[0], true, "550 no such user", NOW)
        .unwrap();
    for id in [id, meanwhile] {
        assert_eq!(house.state(id), Some(State::Undeliverable));
    }
    house.now += 2 * HOUR;
    assert!(house.letters().is_empty());
}

#[test]
fn what_is_revoked_is_listed_and_not_given_again() {
    let mut house = House::new(Limits::default());
    let alice = person("alice@example.net");
    let id = house.ask(&alice, network(1)).unwrap();
    let letters = house.post();
    let token = token_in(&letters, id);
    house.answer(&alice, id, token).unwrap();
    let bob = house.enrolled(&person("bob@example.net"));
    assert!(house.register.revoked(NOW).unwrap().0.is_empty());
    let by_address = Selection::Address("alice@example.net".to_owned());
    assert_eq!(
        house.register.revoke(&by_address, "asked by telephone", NOW).unwrap(),
        1
    );
    assert_eq!(house.register.revoke(&by_address, "again", NOW).unwrap(), 0);
    assert!(matches!(house.answer(&alice, id, token), Err(AnswerError::Revoked)));
    let bobs = house.register.certificates(Some("bob@example.net")).unwrap().remove(0);
    assert_eq!((bobs.certificate, bobs.revoked), (bob, None));
    assert_eq!(
        house
            .register
            .revoke(&Selection::Serial(bobs.serial.clone()), "key lost", NOW)
            .unwrap(),
        1
    );
    let (revoked, number) = house.register.revoked(NOW).unwrap();
    assert!(revoked.len() == 2 && revoked.iter().any(|one| one.serial == bobs.serial && one.at == NOW));
    assert!(house.register.revoked(NOW).unwrap().1 > number);
    // What has ended long ago is not named any more.
    assert!(
        house
            .register
            .revoked(bobs.expires + 4 * 24 * HOUR)
            .unwrap()
            .0
            .is_empty()
    );
}

#[test]
fn who_lost_a_device_replaces_the_certificate_in_one_step() {
    let mut house = House::new(Limits::default());
    let old = house.enrolled(&person("alice@example.net"));
    let bob = house.enrolled(&person("bob@example.net"));
    house.now += HOUR;
    let anew = person("alice@example.net");
    let id = house.ask(&anew, network(1)).unwrap();
    let token = token_in(&house.post(), id);
    let answer = house.signed(&anew, id, token, true);
    let new = house.register.answer(&house.authority, &answer, house.now).unwrap();
    let valid: Vec<Certificate> = house
        .register
        .certificates(None)
        .unwrap()
        .into_iter()
        .filter(|issued| issued.revoked.is_none())
        .map(|issued| issued.certificate)
        .collect();
    assert!(valid.contains(&new) && valid.contains(&bob) && !valid.contains(&old));
}

#[test]
fn the_register_survives_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("register.sqlite");
    let alice = person("alice@example.net");
    let mut register = Register::open(Some(&path), Limits::default()).unwrap();
    let id = register.ask(&alice.request, network(1), NOW).unwrap().id;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o077, 0);
    }
    drop(register);
    let mut register = Register::open(Some(&path), Limits::default()).unwrap();
    let status = register.status(&RequestId::from(id), NOW).unwrap().unwrap();
    assert_eq!((status.address, status.state), (alice.address, Some(State::Waiting)));
    assert_eq!(register.letters(&[7; 32], 9, NOW).unwrap().len(), 1);
    assert!(register.connection.execute("DELETE FROM audit", []).is_err());
    assert!(
        register
            .connection
            .execute("UPDATE audit SET address = ''", [])
            .is_err()
    );
}
