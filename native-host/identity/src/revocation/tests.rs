use super::*;
use crate::testing::{NOW, Template, aor, authority, p256};

fn alice() -> AddressOfRecord {
    aor("alice@example.net")
}

#[test]
fn only_its_own_key_and_its_issuer_revoke_a_certificate() {
    let (ours, other) = (authority("Example CA"), authority("Example CA"));
    let key = p256();
    let issued = Template::default().issue(&ours, &key);
    let own = Template::default().self_signed_with(&key);
    let by = |signer: &Certificate| Revocation::by(signer, &alice(), &issued);
    assert_eq!(by(&issued).unwrap().authority(), None);
    assert_eq!(by(&ours.certificate).unwrap().authority(), Some(&ours.certificate));
    // An authority of the same name, another certificate of the same key, and somebody else.
    assert_eq!(by(&other.certificate), None);
    assert_eq!(by(&own), None);
    assert_eq!(by(&Template::default().self_signed().certificate), None);
    // A person's certificate that signed another is no authority's.
    let person = Template::default().self_signed();
    let below = Template::default().issue(&person, &key);
    assert_eq!(Revocation::by(&person.certificate, &alice(), &below), None);
    assert_eq!(Revocation::by(&issued, &aor("bob@example.net"), &issued), None);
    assert_eq!(
        Revocation::by(&ours.certificate, &alice(), &ours.certificate),
        None,
        "an authority's is no person's"
    );
}

#[test]
fn a_key_revokes_all_its_certificates_and_no_other_key() {
    let ca = authority("Example CA");
    let key = p256();
    let own = Template::default().self_signed_with(&key);
    let revocation = Revocation::by(&own, &alice(), &own).unwrap();
    let extent = revocation.extent(&TrustAnchors::none(), None, NOW);
    assert_eq!(extent, Extent::Key);
    assert!(revocation.covers(&own, extent));
    assert!(revocation.covers(&Template::default().issue(&ca, &key), extent));
    assert!(!revocation.covers(&Template::default().issue(&ca, &p256()), extent));
}

#[test]
fn an_authority_revokes_what_it_issued_and_not_what_others_did() {
    let (trusted, rival, own_making) = (authority("Trusted"), authority("Rival"), authority("Evil"));
    let anchors =
        TrustAnchors::from_pem((trusted.certificate.to_pem() + &rival.certificate.to_pem()).as_bytes()).unwrap();
    let key = p256();
    let issued = Template::default().issue(&trusted, &key);
    let again = Template::default().issue(&trusted, &key);
    let by_rival = Template::default().issue(&rival, &key);
    let by_evil = Template::default().issue(&own_making, &key);
    let own = Template::default().self_signed_with(&key);

    let revoked = Revocation::by(&trusted.certificate, &alice(), &issued).unwrap();
    let extent = revoked.extent(&anchors, None, NOW);
    let covers = |extent| [&issued, &again, &own, &by_rival].map(|one| revoked.covers(one, extent));
    assert_eq!(covers(extent), [true, true, true, false]);
    // Who knows her by the rival's word goes on by that; who knows her by this one has nothing to go by.
    assert_eq!(revoked.extent(&anchors, Some(&by_rival), NOW), extent);
    assert_eq!(revoked.extent(&anchors, Some(&issued), NOW), Extent::Key);
    assert_eq!(covers(Extent::Key), [true; 4]);

    // Anybody's word about a certificate of their own making changes nothing else.
    let evil = Revocation::by(&own_making.certificate, &alice(), &by_evil).unwrap();
    for known in [None, Some(&own), Some(&issued), Some(&by_evil)] {
        let extent = evil.extent(&anchors, known, NOW);
        let covers = [&issued, &own, &by_rival, &by_evil].map(|one| evil.covers(one, extent));
        assert_eq!(covers, [false, false, false, true]);
    }
}
