//! Records that were changed at random: none is read as something that nobody signed.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::tests::all_forms;
use super::{Record, RecordError};
use crate::storing::Refusal;
use crate::testing::NOW;

/// One change of a record's bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    /// Copies a stretch of the record to another place.
    Copy(prop::sample::Index, prop::sample::Index, usize),
    /// Exchanges two elements: stretches between angle brackets.
    Swap(prop::sample::Index, prop::sample::Index),
    /// Removes, doubles or empties what stands between two tags.
    Snippet(prop::sample::Index, &'static str),
}

const SNIPPETS: &[&str] = &[
    "<!-- -->",
    "<?p?>",
    "<![CDATA[x]]>",
    "&amp;",
    "&#65;",
    "&lt;",
    " xmlns:x=\"y\"",
    " xmlns=\"\"",
    " Id=\"One\"",
    "<contact></contact>",
    "</value><value Id=\"Two\">",
    "<dhtRecord>",
    "\r\n",
    "\t",
    "\u{85}",
    "]]>",
    "/>",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<prop::sample::Index>;
    // Mostly printable: bytes that are no UTF-8 come no further than the first check.
    let byte = prop_oneof![4 => 0x20..0x7f_u8, 1 => any::<u8>()];
    prop_oneof![
        4 => (index(), byte).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        2 => (index(), "[ -~]{1,3}").prop_map(|(at, text)| Mutation::Insert(at, text.into_bytes())),
        2 => (index(), 1..40_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        1 => (index(), index(), 1..200_usize).prop_map(|(from, to, count)| Mutation::Copy(from, to, count)),
        1 => (index(), index()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        2 => (index(), prop::sample::select(SNIPPETS)).prop_map(|(at, text)| Mutation::Snippet(at, text)),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Insert(at, text) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, text.iter().copied());
            }
            Self::Remove(at, count) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Self::Copy(from, to, count) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let stretch = bytes[from..(from + count).min(bytes.len())].to_vec();
                bytes.splice(to..to, stretch);
            }
            Self::Swap(a, b) => {
                let tags: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'<').collect();
                if tags.len() < 2 {
                    return;
                }
                let part = |index: &prop::sample::Index| {
                    let at = index.index(tags.len() - 1);
                    tags[at]..tags[at + 1]
                };
                let (a, b) = (part(a), part(b));
                if a.end <= b.start {
                    let (first, second) = (bytes[a.clone()].to_vec(), bytes[b.clone()].to_vec());
                    bytes.splice(b, first);
                    bytes.splice(a, second);
                }
            }
            Self::Snippet(at, text) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, text.bytes());
            }
        }
    }
}

/// How many mutants are tried: as many as `CORELLA_MUTANTS` says, in a long run a million and more.
fn mutants() -> u32 {
    let wanted = std::env::var("CORELLA_MUTANTS").ok();
    wanted.map_or(8000, |count| count.parse().expect("CORELLA_MUTANTS is a number"))
}

/// Whatever is changed, nothing is read but what was signed, in the bytes in which it was written: no mutation finds the other
/// ECDSA signature. What became of the mutants is printed, for a test whose mutants all fail at the first byte would prove
/// little.
#[test]
fn no_mutant_is_taken_with_another_content() {
    const AT_ITS_SIGNATURE: &str = "refused for its digests or its signature alone";
    let records = all_forms();
    let fates = RefCell::new(BTreeMap::<&str, u32>::new());
    let mut runner = TestRunner::new(ProptestConfig {
        cases: mutants(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let strategy = (prop::collection::vec(mutation(), 1..4), any::<prop::sample::Index>());
    let outcome = runner.run(&strategy, |(mutations, form)| {
        let record = form.get(&records);
        let mut bytes = record.to_xml().as_bytes().to_vec();
        for mutation in &mutations {
            mutation.apply(&mut bytes);
        }
        let fate = match Record::from_xml(&bytes, NOW) {
            Ok(read) => {
                prop_assert_eq!(String::from_utf8_lossy(&bytes), record.to_xml().as_ref());
                prop_assert_eq!(&read, record);
                "unchanged, and taken"
            }
            Err(RecordError::Signature) => AT_ITS_SIGNATURE,
            Err(error) => Refusal::from(&error).name(),
        };
        *fates.borrow_mut().entry(fate).or_default() += 1;
        Ok(())
    });
    let fates = fates.into_inner();
    println!("{} mutants", fates.values().sum::<u32>());
    for (fate, count) in &fates {
        println!("{count:8}  {fate}");
    }
    outcome.unwrap();
    assert!(fates.contains_key(AT_ITS_SIGNATURE), "none came as far");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(mutants()))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Record::from_xml(&bytes, NOW);
    }
}
