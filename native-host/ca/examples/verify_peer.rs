//! How long it takes to find that a person's certificate is good, beside the plain check of one ECDSA signature.
//!
//! Each of many people comes as a contact record brings them: a certificate and the issuing authority's in DER, read anew.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measurement talks, and ends if anything fails"
)]

use std::time::{Duration, Instant};

use corella_ca::authority::Authority;
use corella_identity::{AddressOfRecord, Certificate, trust::TrustAnchors};
use openssl::{
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    nid::Nid,
    pkey::PKey,
    sha::sha256,
};

const PEOPLE: usize = 2_000;
/// What a verification may take, in milliseconds.
const AIM: f64 = 0.4;
/// 2026-06-15T12:00:00Z.
const NOW: i64 = 1_781_524_800_000;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    Authority::init(&folder.path().join("ca"), "An Authority", NOW).expect("an authority");
    let authority = Authority::open(&folder.path().join("ca"), "https://ca.example.net").expect("it opens");
    let [issuing, root] = authority.chain();
    let (issuing, anchors) = (issuing.der(), TrustAnchors::none().with(std::slice::from_ref(root)));
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    let key = EcKey::generate(&curve).expect("a key");
    let public = PKey::public_key_from_der(&key.public_key_to_der().expect("in DER")).expect("its public part");
    let people: Vec<(AddressOfRecord, Vec<u8>)> = (0..PEOPLE)
        .map(|n| {
            let address: AddressOfRecord = format!("person{n}@example.net").parse().expect("an address");
            let certificate = authority.certify(&address, &public, NOW).expect("a certificate");
            (address, certificate.der().to_vec())
        })
        .collect();

    let verify = |(address, person): &(AddressOfRecord, Vec<u8>)| {
        let begun = Instant::now();
        let person = Certificate::from_der(person).expect("a certificate");
        let issuing = Certificate::from_der(issuing).expect("a certificate");
        anchors
            .verify_chain(&person, &[issuing], address, NOW)
            .expect("it is good");
        begun.elapsed()
    };
    let hash = sha256(b"what is signed");
    let signature = EcdsaSig::sign(&hash, &key).expect("a signature");
    let alone = (0..PEOPLE).map(|_| {
        let begun = Instant::now();
        assert!(signature.verify(&hash, &key).expect("a check"));
        begun.elapsed()
    });
    let alone = median(alone.collect());
    let first = median(people.iter().map(verify).collect());
    let again = median(people.iter().map(verify).collect());
    println!("{PEOPLE} people of one authority, p50 in ms");
    println!("  a person verified for the first time   {first:7.4}   aim <= {AIM}");
    println!("  and again                              {again:7.4}");
    println!(
        "  one ECDSA signature, by OpenSSL alone  {alone:7.4}   ratio {:.1}",
        first / alone
    );
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}
