//! Passes, verified once: each message of a buddy comes with the same one, and its signature costs as much as the message's own.

use std::cell::RefCell;
use std::collections::HashSet;

use corella_identity::pass::Pass;
use corella_identity::{AddressOfRecord, Fingerprint, Millis};

/// Most passes that one thread remembers. When there are more it begins anew.
const REMEMBERED: usize = 1024;

thread_local! {
    static GOOD: RefCell<HashSet<[u8; 32]>> = RefCell::default();
}

/// Whether a pass is of the person for this holder; its certificate has to be valid at that time.
pub(super) fn is_good(pass: &Pass, address: &AddressOfRecord, holder: &Fingerprint, at: Millis) -> bool {
    let digest = pass.digest(address, holder);
    if pass.giver().valid_at(at) && GOOD.with_borrow(|good| good.contains(&digest)) {
        return true;
    }
    let is_good = pass.is_for(address, holder, at);
    if is_good {
        GOOD.with_borrow_mut(|good| {
            if good.len() >= REMEMBERED {
                good.clear();
            }
            good.insert(digest);
        });
    }
    is_good
}

#[cfg(test)]
mod tests {
    use corella_identity::pass::PASS_LIFE;
    use corella_identity::{Certificate, Credential};

    use super::*;
    use crate::key::Key;
    use crate::record::{Body, INLINE_LIMIT, Record, RecordError, Sealed, Value, form};
    use crate::storing::Refusal;
    use crate::testing::{
        Authority, HOUR, NOW, aor, offline_record_with, person, private_record, welcome_record, welcome_watcher_record,
    };

    const DAY: Millis = 24 * HOUR;

    fn read(xml: &str) -> Result<Record, RecordError> {
        Record::from_xml(xml.as_bytes(), NOW)
    }

    fn sign(from: &Credential, to: &Credential, size: usize, pass: Pass) -> Result<Record, RecordError> {
        offline_record_with(from, to, 1, NOW, Sealed::Inline(vec![1; size]), Some(pass))
    }

    fn give(by: &Credential, to: &Credential, until: Millis) -> Pass {
        Pass::give(by, &to.certificate().fingerprint(), until).unwrap()
    }

    #[test]
    fn a_pass_is_read_back() {
        let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
        let record = welcome_record(&alice, &bob, 1, NOW);
        let again = read(record.to_xml()).unwrap();
        assert_eq!((&again, again.value()), (&record, record.value()));
        let pass = again.value().pass().unwrap();
        assert_eq!((pass.giver(), pass.until()), (bob.certificate(), NOW + PASS_LIFE));
        // The largest content with it, between people with small keys.
        sign(&alice, &bob, INLINE_LIMIT, give(&bob, &alice, NOW + PASS_LIFE)).unwrap();
        // As long as the record lives, and not longer than anybody gives one.
        for until in [record.expires(), NOW + PASS_LIFE + 2 * DAY] {
            sign(&alice, &bob, 9, give(&bob, &alice, until)).unwrap();
        }
    }

    fn with(mut value: Value, to: &Certificate, other: Pass) -> Value {
        if let Value::Offline { recipient, pass, .. } | Value::Watcher { recipient, pass, .. } = &mut value {
            *recipient = to.fingerprint();
            *pass = Some(other);
        }
        value
    }

    /// What is written by somebody who does not look at passes; [`Record::sign`] does.
    fn signed_unseen(credential: &Credential, key: Key, value: Value) -> String {
        let body = Body {
            key,
            value,
            expires: NOW + DAY,
            sequence: NOW,
        };
        let signed = form::signed(&body, credential.certificate()).unwrap();
        let signature = credential.sign(signed.info.as_bytes()).unwrap();
        signed.with_signature(&signature, credential.certificate())
    }

    /// Each is refused by its name, by whoever reads it, and written without by whoever writes.
    #[test]
    fn a_pass_of_others_for_others_or_of_another_time_is_refused() {
        let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
        let (eve, impostor) = (person("eve@example.org"), person("bob@example.net"));
        let [past, future] =
            [NOW - 4000 * DAY, NOW + 10 * DAY].map(|at| Credential::self_signed(bob.address(), at).unwrap());
        let authority = Authority::new("bob@example.net");
        let until = NOW + PASS_LIFE;
        let good = give(&bob, &alice, until);
        let claimed =
            |giver: &Certificate, until, signature: &[u8]| Pass::claimed(giver.clone(), until, signature.to_vec());
        let mut broken = good.signature().to_vec();
        broken[7] ^= 1;
        let bobs = bob.certificate();
        // To whom the record is sealed, and the pass in it.
        let wrong = [
            (bobs, give(&eve, &alice, until)),
            (bobs, give(&impostor, &alice, until)),
            (impostor.certificate(), good.clone()),
            (eve.certificate(), give(&eve, &alice, until)),
            (bobs, give(&bob, &eve, until)),
            (bobs, give(&bob, &bob, until)),
            (bobs, give(&bob, &alice, NOW - 1)),
            (bobs, give(&bob, &alice, NOW + DAY - 1000)),
            (bobs, give(&bob, &alice, until + 2 * DAY + 1)),
            (past.certificate(), give(&past, &alice, until)),
            (future.certificate(), give(&future, &alice, until)),
            (bobs, claimed(bobs, until, &broken)),
            (bobs, claimed(bobs, until, &[])),
            (bobs, claimed(bobs, until - 1, good.signature())),
            (
                &authority.certificate,
                claimed(&authority.certificate, until, good.signature()),
            ),
        ];
        for record in [
            welcome_record(&alice, &bob, 1, NOW),
            welcome_watcher_record(&alice, &bob, NOW),
        ] {
            let (key, value) = (record.key().clone(), record.value().clone());
            assert_eq!(
                read(&signed_unseen(&alice, key.clone(), value.clone()))
                    .unwrap()
                    .value(),
                &value
            );
            for (number, (to, pass)) in wrong.iter().enumerate() {
                let value = with(value.clone(), to, pass.clone());
                let written = Record::sign(&alice, key.clone(), value.clone(), NOW, NOW + DAY);
                for refused in [written, read(&signed_unseen(&alice, key.clone(), value.clone()))] {
                    let error = refused.expect_err("taken");
                    assert!(matches!(error, RecordError::Pass), "{number}: {error}");
                    assert_eq!(Refusal::from(&error).name(), "bad-pass");
                }
                let without = Record::sign_with_pass(&alice, key.clone(), value, NOW, NOW + DAY).unwrap();
                assert!(without.value().pass().is_none() && read(without.to_xml()).is_ok());
            }
            let kept = Record::sign_with_pass(&alice, key, value, NOW, NOW + DAY).unwrap();
            assert!(kept.value().pass().is_some());
        }
    }

    #[test]
    fn a_pass_has_one_form_and_one_place() {
        let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
        let record = welcome_record(&alice, &bob, 1, NOW);
        let xml = record.to_xml();
        let refused = |from: &str, to: &str| {
            assert!(xml.contains(from), "{from}");
            read(&xml.replacen(from, to, 1)).expect_err("taken")
        };
        for to in ["until=\"0", "until=\"+", "until=\"-", "until=\"9999"] {
            assert!(matches!(refused("until=\"", to), RecordError::Field("pass")), "{to}");
        }
        assert!(matches!(refused(" until=", "  until="), RecordError::NotCanonical));
        assert!(matches!(
            refused("until=\"", "for=\"x\" until=\""),
            RecordError::Attribute("pass")
        ));
        assert!(matches!(refused("</pass>", "<x></x></pass>"), RecordError::Element(_)));
        // Taken out of one record it is none in another: what is in a record is signed.
        let from = xml.find("<pass ").unwrap();
        let to = xml.find("</pass>").unwrap() + "</pass>".len();
        let element = &xml[from..to];
        assert!(matches!(refused(element, ""), RecordError::Signature));
        assert!(matches!(refused(element, &element.repeat(2)), RecordError::Element(_)));
        let private = private_record(&bob, 1, NOW)
            .to_xml()
            .replace("</value>", &format!("{element}</value>"));
        assert!(read(&private).is_err());
    }

    /// A record lives on when the certificate that gave its pass has ended: it was valid when the record was written.
    #[test]
    fn a_pass_is_as_good_as_it_was() {
        let bob = person("bob@example.net");
        let written = bob.certificate().not_after() - HOUR;
        let alice = Credential::self_signed(&aor("alice@example.org"), written).unwrap();
        let record = welcome_record(&alice, &bob, 1, written);
        let later = written + 2 * HOUR;
        assert!(!bob.certificate().valid_at(later));
        let again = Record::from_xml(record.to_xml().as_bytes(), later).unwrap();
        assert!(again.value().pass().is_some() && again.check(later).is_ok());
    }

    /// Whoever sends and whoever receives may have keys of any size: where there is no room a message goes without.
    #[test]
    fn where_there_is_no_room_it_is_left_out() {
        let rsa = |name: &str| Authority::new("Example CA").issue_rsa(name, 4096);
        let (alice, bob) = (rsa("alice@example.org"), rsa("bob@example.net"));
        let pass = give(&bob, &alice, NOW + PASS_LIFE);
        let small = sign(&alice, &bob, 1000, pass.clone()).unwrap();
        assert_eq!(read(small.to_xml()).unwrap().value().pass(), Some(&pass));
        let error = sign(&alice, &bob, INLINE_LIMIT, pass.clone()).expect_err("signed");
        assert!(matches!(error, RecordError::TooLarge));
        let mut value = with(small.value().clone(), bob.certificate(), pass);
        if let Value::Offline { sealed, .. } = &mut value {
            *sealed = Sealed::Inline(vec![1; INLINE_LIMIT]);
        }
        let without = Record::sign_with_pass(&alice, small.key().clone(), value, NOW, NOW + DAY).unwrap();
        assert!(without.value().pass().is_none() && read(without.to_xml()).is_ok());
    }

    #[test]
    fn what_was_verified_once_is_remembered_for_this_holder_alone() {
        let (alice, bob, eve) = (
            person("alice@example.org"),
            person("bob@example.net"),
            person("eve@example.org"),
        );
        let pass = give(&bob, &alice, NOW + PASS_LIFE);
        let good = |holder: &Credential, at| is_good(&pass, bob.address(), &holder.certificate().fingerprint(), at);
        assert!(good(&alice, NOW) && good(&alice, NOW));
        assert!(!good(&eve, NOW));
        // A certificate that has ended since gives no more passes.
        assert!(!good(&alice, bob.certificate().not_after() + 1));
    }
}
