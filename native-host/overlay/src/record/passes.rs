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
    use corella_identity::Credential;
    use corella_identity::pass::PASS_LIFE;

    use super::*;
    use crate::record::{Record, RecordError, Sealed, Value};
    use crate::storing::Refusal;
    use crate::testing::{Authority, HOUR, NOW, offline_record_with, person, private_record, welcome_record};

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
        sign(
            &alice,
            &bob,
            crate::record::INLINE_LIMIT,
            give(&bob, &alice, NOW + PASS_LIFE),
        )
        .unwrap();
        // As long as the record lives, and not longer than anybody gives one.
        for until in [record.expires(), NOW + PASS_LIFE + DAY] {
            sign(&alice, &bob, 9, give(&bob, &alice, until)).unwrap();
        }
    }

    /// Each is refused by its name, by whoever reads it, and written without by whoever writes.
    #[test]
    fn a_pass_of_others_for_others_or_of_another_time_is_refused() {
        let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
        let (eve, impostor) = (person("eve@example.org"), person("bob@example.net"));
        let authority = Authority::new("bob@example.net");
        let good = give(&bob, &alice, NOW + PASS_LIFE);
        let claimed = |giver: &corella_identity::Certificate, until, signature: &[u8]| {
            Pass::claimed(giver.clone(), until, signature.to_vec())
        };
        let mut broken = good.signature().to_vec();
        broken[7] ^= 1;
        let wrong = [
            give(&eve, &alice, NOW + PASS_LIFE),
            give(&impostor, &alice, NOW + PASS_LIFE),
            give(&bob, &eve, NOW + PASS_LIFE),
            give(&bob, &alice, NOW + DAY - 1000),
            give(&bob, &alice, NOW + PASS_LIFE + DAY + 1),
            claimed(bob.certificate(), NOW + PASS_LIFE, &broken),
            claimed(bob.certificate(), NOW + PASS_LIFE, &[]),
            claimed(bob.certificate(), NOW + PASS_LIFE - 1, good.signature()),
            claimed(&authority.certificate, NOW + PASS_LIFE, good.signature()),
        ];
        let record = sign(&alice, &bob, 9, good.clone()).unwrap();
        for pass in wrong {
            let error = sign(&alice, &bob, 9, pass.clone()).expect_err("signed");
            assert!(matches!(error, RecordError::Pass), "{error}");
            assert_eq!(Refusal::from(&error).name(), "bad-pass");
            let Value::Offline {
                nonce,
                recipient,
                removal,
                sealed,
                ..
            } = record.value().clone()
            else {
                unreachable!()
            };
            let value = Value::Offline {
                nonce,
                recipient,
                removal,
                sealed,
                pass: Some(pass),
            };
            let key = record.key().clone();
            let without = Record::sign_with_pass(&alice, key, value, NOW, NOW + DAY).unwrap();
            assert!(without.value().pass().is_none() && read(without.to_xml()).is_ok());
        }
        let with =
            Record::sign_with_pass(&alice, record.key().clone(), record.value().clone(), NOW, NOW + DAY).unwrap();
        assert!(with.value().pass().is_some());
        // Taken out of one record it is none in another: what is in a record is signed.
        let xml = record.to_xml();
        let (from, to) = (
            xml.find("<pass ").unwrap(),
            xml.find("</pass>").unwrap() + "</pass>".len(),
        );
        let element = &xml[from..to];
        assert!(matches!(read(&xml.replace(element, "")), Err(RecordError::Signature)));
        assert!(matches!(
            read(&xml.replace(element, &element.repeat(2))),
            Err(RecordError::Element(_))
        ));
        let private = private_record(&bob, 1, NOW)
            .to_xml()
            .replace("</value>", &format!("{element}</value>"));
        assert!(read(&private).is_err());
    }

    /// Whoever sends and whoever receives may have keys of any size: where there is no room a message goes without.
    #[test]
    fn where_there_is_no_room_it_is_left_out() {
        let rsa = |name: &str| Authority::new("Example CA").issue_rsa(name, 4096);
        let (alice, bob) = (rsa("alice@example.org"), rsa("bob@example.net"));
        let pass = give(&bob, &alice, NOW + PASS_LIFE);
        assert!(sign(&alice, &bob, 1000, pass.clone()).is_ok());
        let error = sign(&alice, &bob, crate::record::INLINE_LIMIT, pass).expect_err("signed");
        assert!(matches!(error, RecordError::TooLarge));
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
