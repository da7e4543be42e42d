//! What a node or a reader pays for believing nobody: the time to verify one record.

use std::fmt;

use corella_overlay::Record;
use tokio::time::Instant;

use crate::LabError;
use crate::figures::Times;
use crate::records::{self, Person, Shape, now};

/// The most that a record whose certificate is known may take, in microseconds.
const AIM: f64 = 100.0;
/// How often a record is verified.
const KNOWN: usize = 1000;
/// What is signed for comparison.
const PLAIN: &[u8] = b"thirty-two bytes to be signed...";
/// How many records of different persons are verified once.
const UNKNOWN: usize = 200;

/// Medians in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Verification {
    /// The true size of a record in bytes.
    pub size: usize,
    /// Of a record whose certificate was seen before.
    pub known: f64,
    /// Of the first record of somebody.
    pub unknown: f64,
    /// What checking one ECDSA signature over a few bytes takes in the same run, without which nothing can be verified.
    pub plain: f64,
}

/// Verifies records of about this size in bytes, on one thread of a process that does nothing else.
///
/// # Errors
/// A record cannot be made, or is no good.
pub fn measure(size: usize) -> Result<Verification, LabError> {
    let (shape, size) = Shape::of_size(size)?;
    let mut unknown = Times::default();
    let mut last = None;
    for number in 0..UNKNOWN {
        let person = Person::new(&format!("w{number:05}"), 1)?;
        for record in person.records(&shape, now())? {
            verify(&record, &mut unknown)?;
            last = Some(record);
        }
    }
    let (mut known, mut plain) = (Times::default(), Times::default());
    let person = Person::new("plain", 1)?;
    let signature = person.credential().sign(PLAIN)?;
    if let Some(record) = last {
        for _ in 0..KNOWN {
            verify(&record, &mut known)?;
            let begin = Instant::now();
            let is_good = person.credential().certificate().verify(PLAIN, &signature);
            plain.add(begin.elapsed());
            if !is_good {
                return Err(LabError::needed("a good signature"));
            }
        }
    }
    Ok(Verification {
        size,
        known: known.p50() * 1000.0,
        unknown: unknown.p50() * 1000.0,
        plain: plain.p50() * 1000.0,
    })
}

fn verify(record: &Record, times: &mut Times) -> Result<(), LabError> {
    let begin = Instant::now();
    records::verify(record)?;
    times.add(begin.elapsed());
    Ok(())
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            size,
            known,
            unknown,
            plain,
        } = self;
        write!(
            f,
            "verification of a record whose certificate is known: {known:.0} us (aim {AIM:.0}); \
             with one that was never seen: {unknown:.0} us; one ECDSA signature alone: {plain:.0} us, \
             ratio {:.2}; records of {size} bytes",
            known / plain
        )
    }
}
