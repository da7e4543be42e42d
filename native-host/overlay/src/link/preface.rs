//! The preface of a stream: who calls whom, and the proof of both, before the first byte of SIP.
//!
//! ```text
//! dialler:   u16 length, address wanted      u16 length, own contact record
//! acceptor:  u8 status                       if 0: u16 length, own contact record
//! ```
//!
//! Lengths are big-endian and count bytes. The connection has proven each side's peer id; the contact record, signed by
//! the person's credential, says that this device is the person's. So each end knows which person is at the other, and a
//! dialler learns the acceptor's record only after it has shown its own.

use std::io;

use corella_identity::{AddressOfRecord, Millis};
use libp2p::PeerId;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::key::Key;
use crate::record::{RECORD_LIMIT, Record, RecordError};

/// Longest address in a preface, in bytes.
const ADDRESS_LIMIT: usize = 320;

/// Why an acceptor declines a stream. The numbers are part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Decline {
    /// 1, `unknown-address`: nobody by the wanted address is here.
    UnknownAddress = 1,
    /// 2, `bad-record`: the record is not to be believed, or no contact record.
    BadRecord = 2,
    /// 3, `wrong-peer`: the record names another device than the connection has proven.
    WrongPeer = 3,
    /// 4, `busy`: too many streams are being accepted; later is fine.
    Busy = 4,
}

impl Decline {
    /// The name for logs and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownAddress => "unknown-address",
            Self::BadRecord => "bad-record",
            Self::WrongPeer => "wrong-peer",
            Self::Busy => "busy",
        }
    }

    fn from_status(status: u8) -> Option<Self> {
        [Self::UnknownAddress, Self::BadRecord, Self::WrongPeer, Self::Busy]
            .into_iter()
            .find(|decline| *decline as u8 == status)
    }
}

/// Why a stream did not become a link.
#[derive(Debug, Error)]
pub enum PrefaceError {
    /// The stream broke or ended.
    #[error("the stream ended during its preface: {0}")]
    Stream(#[from] io::Error),
    /// A length over its limit, or an address that is none.
    #[error("the preface is malformed: {0}")]
    Malformed(&'static str),
    /// The other side's record is not to be believed.
    #[error("the peer's contact record was refused: {0}")]
    Record(#[from] RecordError),
    /// The other side's record is another person's than it should be, or no contact record.
    #[error("the peer showed a record of another kind or person")]
    OtherPerson,
    /// The other side's record names another device.
    #[error("the peer's record names another device")]
    WrongPeer,
    /// The acceptor declined.
    #[error("the peer declined: {}", .0.name())]
    Declined(Decline),
    /// The acceptor declined with a number that this version does not know.
    #[error("the peer declined for a reason that this version does not know")]
    DeclinedOtherwise,
    /// We declined.
    #[error("declined: {}", .0.name())]
    WeDecline(Decline),
}

/// The dialler's side: asks for `wanted`, shows `own`, and gives the acceptor's record.
///
/// # Errors
/// Declined, or the answer is not `wanted`'s current contact record naming `peer`.
pub async fn dial<S>(
    stream: &mut S,
    wanted: &AddressOfRecord,
    own: &Record,
    peer: &PeerId,
    now: Millis,
) -> Result<Record, PrefaceError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut preface = Vec::with_capacity(own.to_xml().len() + wanted.as_str().len() + 4);
    push(&mut preface, wanted.as_str().as_bytes())?;
    push(&mut preface, own.to_xml().as_bytes())?;
    stream.write_all(&preface).await?;
    stream.flush().await?;
    match stream.read_u8().await? {
        0 => {}
        status => {
            return Err(match Decline::from_status(status) {
                Some(decline) => PrefaceError::Declined(decline),
                None => PrefaceError::DeclinedOtherwise,
            });
        }
    }
    let record = Record::from_xml(&pull(stream, RECORD_LIMIT, "record").await?, now)?;
    if *record.key() != Key::Contacts(wanted.clone()) {
        return Err(PrefaceError::OtherPerson);
    }
    if device_of(&record) != Some(*peer) {
        return Err(PrefaceError::WrongPeer);
    }
    Ok(record)
}

/// What an acceptor learns.
#[derive(Debug)]
pub struct Accepted {
    /// The own address that was wanted.
    pub local: AddressOfRecord,
    /// The dialler's current contact record, which names the device of the connection.
    pub remote: Record,
}

/// The acceptor's side: checks what the dialler shows, and answers with the own record for the address that is wanted.
/// `own` gives that record, or `None` if nobody by that address is here.
///
/// # Errors
/// Declined, malformed, or the stream broke.
pub async fn accept<S>(
    stream: &mut S,
    own: impl FnOnce(&AddressOfRecord) -> Option<Record>,
    peer: &PeerId,
    now: Millis,
) -> Result<Accepted, PrefaceError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let wanted = pull(stream, ADDRESS_LIMIT, "address").await?;
    let record = pull(stream, RECORD_LIMIT, "record").await?;
    match judge(&wanted, &record, own, peer, now) {
        Ok((accepted, own)) => {
            let mut answer = vec![0];
            push(&mut answer, own.to_xml().as_bytes())?;
            stream.write_all(&answer).await?;
            stream.flush().await?;
            Ok(accepted)
        }
        Err(decline) => {
            decline_stream(stream, decline).await?;
            Err(PrefaceError::WeDecline(decline))
        }
    }
}

/// Answers a stream with a reason and nothing else.
///
/// # Errors
/// The stream broke.
pub async fn decline_stream<S: AsyncWrite + Unpin>(stream: &mut S, decline: Decline) -> io::Result<()> {
    stream.write_all(&[decline as u8]).await?;
    stream.shutdown().await
}

/// The acceptor's decision. The record comes first: who cannot show one does not learn which addresses are here.
fn judge(
    wanted: &[u8],
    record: &[u8],
    own: impl FnOnce(&AddressOfRecord) -> Option<Record>,
    peer: &PeerId,
    now: Millis,
) -> Result<(Accepted, Record), Decline> {
    let remote = Record::from_xml(record, now).map_err(|_| Decline::BadRecord)?;
    if !matches!(remote.key(), Key::Contacts(_)) {
        return Err(Decline::BadRecord);
    }
    if device_of(&remote) != Some(*peer) {
        return Err(Decline::WrongPeer);
    }
    let local = canonical(wanted).ok_or(Decline::UnknownAddress)?;
    let own = own(&local).ok_or(Decline::UnknownAddress)?;
    Ok((Accepted { local, remote }, own))
}

fn device_of(record: &Record) -> Option<PeerId> {
    record.contacts().map(|contacts| contacts.peer)
}

fn canonical(text: &[u8]) -> Option<AddressOfRecord> {
    let text = std::str::from_utf8(text).ok()?;
    let address: AddressOfRecord = text.parse().ok()?;
    (address.as_str() == text).then_some(address)
}

fn push(preface: &mut Vec<u8>, bytes: &[u8]) -> Result<(), PrefaceError> {
    let length = u16::try_from(bytes.len()).map_err(|_| PrefaceError::Malformed("too long"))?;
    preface.extend(length.to_be_bytes());
    preface.extend(bytes);
    Ok(())
}

async fn pull<S: AsyncRead + Unpin>(stream: &mut S, limit: usize, part: &'static str) -> Result<Vec<u8>, PrefaceError> {
    let length = usize::from(stream.read_u16().await?);
    if length > limit {
        return Err(PrefaceError::Malformed(part));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use corella_identity::Credential;
    use proptest::prelude::*;
    use tokio::io::{DuplexStream, duplex};

    use super::*;
    use crate::testing::{HOUR, NOW, aor, certificate_record, contact_record, device, person};

    struct Side {
        credential: Credential,
        peer: PeerId,
        record: Record,
    }

    fn side(address: &str) -> Side {
        let (credential, peer) = (person(address), device());
        let record = contact_record(&credential, peer, NOW);
        Side {
            credential,
            peer,
            record,
        }
    }

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    fn own_of(side: &Side) -> impl FnOnce(&AddressOfRecord) -> Option<Record> {
        let (address, record) = (side.credential.address().clone(), side.record.clone());
        move |wanted| (*wanted == address).then_some(record)
    }

    /// Both sides over one stream: alice dials with `shown` and wants `wanted`, bob accepts.
    fn meet(
        alice: &Side,
        shown: &Record,
        wanted: &str,
        bob: &Side,
    ) -> (Result<Record, PrefaceError>, Result<Accepted, PrefaceError>) {
        let (mut here, mut there) = duplex(1024);
        let wanted = aor(wanted);
        run(async {
            tokio::join!(
                dial(&mut here, &wanted, shown, &bob.peer, NOW),
                accept(&mut there, own_of(bob), &alice.peer, NOW),
            )
        })
    }

    #[test]
    fn each_learns_who_the_other_is() {
        let (alice, bob) = (side("alice@example.net"), side("bob@example.net"));
        let (dialled, accepted) = meet(&alice, &alice.record, "bob@example.net", &bob);
        assert_eq!(dialled.unwrap().signer(), bob.credential.certificate());
        let accepted = accepted.unwrap();
        assert_eq!(accepted.local, aor("bob@example.net"));
        assert_eq!(accepted.remote.signer(), alice.credential.certificate());
    }

    #[test]
    fn the_acceptor_declines_by_name() {
        let (alice, bob) = (side("alice@example.net"), side("bob@example.net"));
        let declined = |shown: &Record, wanted: &str| {
            let (dialled, accepted) = meet(&alice, shown, wanted, &bob);
            match (dialled, accepted) {
                (Err(PrefaceError::Declined(theirs)), Err(PrefaceError::WeDecline(ours))) => {
                    assert_eq!(theirs, ours);
                    theirs
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(declined(&alice.record, "carol@example.net"), Decline::UnknownAddress);
        let old = contact_record(&alice.credential, alice.peer, NOW - HOUR);
        assert_eq!(declined(&old, "bob@example.net"), Decline::BadRecord);
        let other_kind = certificate_record(&alice.credential, NOW);
        assert_eq!(declined(&other_kind, "bob@example.net"), Decline::BadRecord);
        let other_device = contact_record(&alice.credential, device(), NOW);
        assert_eq!(declined(&other_device, "bob@example.net"), Decline::WrongPeer);
        // Who cannot show a record of their own does not learn who is here.
        assert_eq!(declined(&other_device, "carol@example.net"), Decline::WrongPeer);
    }

    #[test]
    fn the_dialler_believes_only_the_wanted_persons_record_for_that_device() {
        let (alice, bob) = (side("alice@example.net"), side("bob@example.net"));
        let answered = |record: Record| {
            let (mut here, mut there) = duplex(64 * 1024);
            let wanted = aor("bob@example.net");
            run(async {
                let mut answer = vec![0];
                push(&mut answer, record.to_xml().as_bytes()).unwrap();
                there.write_all(&answer).await.unwrap();
                dial(&mut here, &wanted, &alice.record, &bob.peer, NOW).await
            })
        };
        assert!(answered(bob.record.clone()).is_ok());
        let eve = contact_record(&person("eve@example.net"), bob.peer, NOW);
        assert!(matches!(answered(eve), Err(PrefaceError::OtherPerson)));
        let other_kind = certificate_record(&bob.credential, NOW);
        assert!(matches!(answered(other_kind), Err(PrefaceError::OtherPerson)));
        let elsewhere = contact_record(&bob.credential, device(), NOW);
        assert!(matches!(answered(elsewhere), Err(PrefaceError::WrongPeer)));
        let old = contact_record(&bob.credential, bob.peer, NOW - HOUR);
        assert!(matches!(answered(old), Err(PrefaceError::Record(RecordError::Expired))));
    }

    #[test]
    fn lengths_over_their_limits_are_refused_before_they_are_read() {
        let bob = side("bob@example.net");
        let sent = |bytes: &[u8]| {
            let (mut here, mut there) = duplex(64);
            run(async {
                here.write_all(bytes).await.unwrap();
                // The sender keeps the stream open: waiting for the announced bytes would never end.
                accept(&mut there, own_of(&bob), &bob.peer, NOW).await.unwrap_err()
            })
        };
        assert!(matches!(sent(&[0xff, 0xff]), PrefaceError::Malformed("address")));
        assert!(matches!(sent(&[1, 65]), PrefaceError::Malformed("address")));
        let [high, low] = u16::try_from(RECORD_LIMIT + 1).unwrap().to_be_bytes();
        assert!(matches!(sent(&[0, 0, high, low]), PrefaceError::Malformed("record")));
    }

    #[test]
    fn an_unknown_status_is_a_decline() {
        let (alice, bob) = (side("alice@example.net"), side("bob@example.net"));
        let (mut here, mut there) = duplex(64 * 1024);
        let wanted = aor("bob@example.net");
        let error = run(async {
            there.write_all(&[77]).await.unwrap();
            dial(&mut here, &wanted, &alice.record, &bob.peer, NOW)
                .await
                .unwrap_err()
        });
        assert!(matches!(error, PrefaceError::DeclinedOtherwise));
    }

    /// A stream on which `bytes` arrive, and then the end; and the other half of it, to be kept.
    fn fed(bytes: &[u8]) -> (DuplexStream, DuplexStream) {
        let (mut here, there) = duplex(bytes.len() + 64 * 1024);
        run(async {
            here.write_all(bytes).await.unwrap();
            here.shutdown().await.unwrap();
        });
        (there, here)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn no_bytes_make_the_acceptor_panic_or_accept(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let bob = side("bob@example.net");
            let (mut stream, _other) = fed(&bytes);
            let result = run(accept(&mut stream, own_of(&bob), &bob.peer, NOW));
            prop_assert!(result.is_err());
        }

        #[test]
        fn a_changed_preface_is_accepted_only_if_it_still_proves_the_same(
            at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0..20_usize,
        ) {
            let (alice, bob) = (side("alice@example.net"), side("bob@example.net"));
            let mut bytes = Vec::new();
            push(&mut bytes, b"bob@example.net").unwrap();
            push(&mut bytes, alice.record.to_xml().as_bytes()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut);
            let (mut stream, _other) = fed(&bytes);
            if let Ok(accepted) = run(accept(&mut stream, own_of(&bob), &alice.peer, NOW)) {
                prop_assert_eq!(accepted.remote, alice.record);
                prop_assert_eq!(accepted.local, aor("bob@example.net"));
            }
        }

        #[test]
        fn no_bytes_make_the_dialler_panic_or_believe(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let (alice, bob) = (side("alice@example.net"), side("bob@example.net"));
            let wanted = aor("bob@example.net");
            let (mut stream, _other) = fed(&bytes);
            prop_assert!(run(dial(&mut stream, &wanted, &alice.record, &bob.peer, NOW)).is_err());
        }
    }
}
