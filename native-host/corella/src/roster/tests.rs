use super::*;
use corella_agent::{Consent, Expected, How, Invitations, KnownBy, Mailed, Offer};
use corella_identity::{
    Credential,
    pass::Pass,
    trust::{Candidate, Known, Question, QuestionKind, Trust},
};

fn address(text: &str) -> AddressOfRecord {
    text.parse().unwrap()
}

fn certificate(text: &str) -> Certificate {
    Credential::self_signed(&address(text), 1_700_000_000_000)
        .unwrap()
        .certificate()
        .clone()
}

fn mailed(digit: char) -> Mailed {
    Mailed {
        nonce: digit.to_string().repeat(64).parse().unwrap(),
        until: 1_900_000_000_000,
    }
}

#[test]
fn what_is_saved_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roster.db");
    let (bob, other) = (certificate("bob@example.net"), certificate("bob@example.net"));
    let buddy = Buddy {
        name: Some("Bob".into()),
        own: Some(address("alice@example.net")),
        known: Some(Known {
            certificate: bob.clone(),
            trust: Trust::Pinned,
        }),
        question: Some(Question {
            kind: QuestionKind::Changed,
            candidates: vec![Candidate {
                fingerprint: other.fingerprint(),
                certificate: other.clone(),
                trust: Trust::Unverified,
            }],
        }),
        invitations: Invitations {
            mailed: Some(mailed('a')),
            offers: vec![Offer {
                own: address("alice@example.net"),
                mailed: mailed('b'),
                is_accepted: true,
            }],
            returns: Some(mailed('c')),
        },
        known_by: Some(KnownBy {
            how: How::Authority {
                root: other.fingerprint(),
                name: "An Authority".into(),
            },
            since: 1_750_000_000_000,
            without: Some(Box::new(KnownBy {
                how: How::Invitation,
                since: 1_740_000_000_000,
                without: None,
            })),
        }),
        refused: vec![certificate("bob@example.net").fingerprint()],
        expected: Some(Expected {
            fingerprint: bob.fingerprint(),
            public_key: Some(bob.key_fingerprint()),
            trust: Trust::Verified,
        }),
        wrote_with: Some(other.clone()),
        passes: ["alice@example.net", "alice@example.org"]
            .map(|own| (address(own), Pass::claimed(bob.clone(), 1_800_000_000_000, vec![7; 64])))
            .into(),
        ..Buddy::new(address("bob@example.net"), Consent::Buddy)
    };
    {
        let roster = Roster::open(&path).unwrap();
        roster.save(&buddy).unwrap();
        roster
            .save(&Buddy::new(address("eve@example.net"), Consent::Blocked))
            .unwrap();
        roster.forget(&address("eve@example.net")).unwrap();
        let device = Device {
            name: "12D3".into(),
            seen: 7,
        };
        roster.save_device(&address("alice@example.net"), &device).unwrap();
        for authority in [&bob, &other] {
            roster.save_authority(authority).unwrap();
        }
        roster.save_declined("before", 1).unwrap();
        roster.save_declined("later", i64::MAX).unwrap();
        roster.forget_authority(&other.fingerprint()).unwrap();
        roster.save_devices_since(&address("alice@example.net"), 5).unwrap();
        roster
            .save_presence(&Presence {
                status: Status::Away,
                note: Some("x".into()),
            })
            .unwrap();
    }
    let roster = Roster::open(&path).unwrap();
    let found = roster.buddies().unwrap();
    assert_eq!(found.len(), 1);
    let known = found[0].known.as_ref().unwrap();
    assert_eq!((&known.certificate, known.trust), (&bob, Trust::Pinned));
    assert_eq!(found[0].known_by, buddy.known_by);
    assert_eq!(found[0].invitations, buddy.invitations);
    assert_eq!(roster.declined().unwrap(), [("later".into(), i64::MAX)]);
    assert_eq!(roster.authorities().unwrap(), std::slice::from_ref(&bob));
    assert_eq!(
        found[0].question.as_ref().unwrap().candidates[0].fingerprint,
        other.fingerprint()
    );
    assert_eq!(found[0].refused, buddy.refused);
    assert_eq!(found[0].expected, buddy.expected);
    assert_eq!(found[0].wrote_with, Some(other));
    assert_eq!(found[0].passes, buddy.passes);
    assert_eq!(found[0].name.as_deref(), Some("Bob"));
    let device = Device {
        name: "12D3".into(),
        seen: 7,
    };
    assert_eq!(roster.devices().unwrap(), [(address("alice@example.net"), device)]);
    assert_eq!(roster.devices_since().unwrap(), [(address("alice@example.net"), 5)]);
    assert_eq!(
        roster.presence().unwrap(),
        Presence {
            status: Status::Away,
            note: Some("x".into())
        }
    );
}

#[test]
fn a_roster_of_the_first_version_is_read_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roster.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(SCHEMA).unwrap();
    old.execute(
        "INSERT INTO buddies VALUES ('bob@example.net', 'Bob', NULL, 'buddy', NULL, NULL, NULL, '[]', NULL)",
        [],
    )
    .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let roster = Roster::open(&path).unwrap();
    assert_eq!(roster.buddies().unwrap()[0].name.as_deref(), Some("Bob"));
    assert!(roster.roaming().unwrap().is_empty() && roster.devices().unwrap().is_empty());
    roster
        .save(&Buddy::new(address("eve@example.net"), Consent::Blocked))
        .unwrap();
    assert_eq!(Roster::open(&path).unwrap().buddies().unwrap().len(), 2);
}

#[test]
fn a_key_that_was_expected_before_is_expected_still() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roster.db");
    let roster = Roster::open(&path).unwrap();
    roster
        .save(&Buddy::new(address("bob@example.net"), Consent::Buddy))
        .unwrap();
    let key = "ab".repeat(32);
    let before = format!(r#"["{key}","pinned"]"#);
    roster.db.execute("UPDATE buddies SET expected = ?1", [before]).unwrap();
    let expected = roster.buddies().unwrap()[0].expected.unwrap();
    assert_eq!(
        (expected.fingerprint, expected.trust),
        (key.parse().unwrap(), Trust::Pinned)
    );
    assert_eq!(expected.public_key, None);
}

#[test]
fn a_newer_roster_is_refused_with_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roster.db");
    Roster::open(&path)
        .unwrap()
        .db
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(Roster::open(&path).unwrap_err().to_string().contains("newer"));
}

#[cfg(unix)]
#[test]
fn it_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roster.db");
    let roster = Roster::open(&path).unwrap();
    roster.save_presence(&Presence::default()).unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.file_name()
        );
    }
}
