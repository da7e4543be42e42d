//! What waits in the overlay: put there for those who are off line, and fetched from there for the user.

use std::{collections::HashMap, sync::Arc, time::Duration};

use corella_agent::{Content, Event, Fetched, LinkId, Pair, Token};
use corella_identity::{
    AddressOfRecord, Certificate, Credential,
    invitation::Nonce,
    pass::Pass,
    seal::{self, Envelope, OFFLINE_LIFETIME, RemovalSecret},
};
use corella_overlay::{
    Key, LocationError, LocationService, Overlay, Record, Watched,
    fragment::Fragments,
    record::{self, INLINE_LIMIT, Sealed, Value},
};
use corella_sip::ua::Responder;
use libp2p::PeerId;
use openssl::sha::sha256;

use super::{actor::Actor, inbox::Input, revocations};
use crate::{content, time};

/// How often the parts of a large message are looked for, and the pause between.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// Something that was fetched and opened.
pub(crate) struct Opened {
    record: Record,
    secret: RemovalSecret,
    envelope: Envelope,
    content: Content,
    /// The device that passed it on, and its request.
    pub(super) passed: Option<(LinkId, Responder)>,
}

impl Opened {
    /// Who wrote it.
    fn from(&self) -> &AddressOfRecord {
        &self.envelope.from
    }
}

/// What is to be put into the overlay.
pub(super) struct Parcel {
    pub(super) pair: Pair,
    pub(super) certificate: Certificate,
    pub(super) pass: Option<Pass>,
    pub(super) id: String,
    pub(super) at: i64,
    pub(super) sequence: u64,
    /// What the recipient mailed to the author.
    pub(super) returns: Option<Nonce>,
    pub(super) content: Content,
}

/// The records behind the tokens that the core knows.
pub(super) type Stored = HashMap<Token, (Record, RemovalSecret)>;

impl Actor {
    /// Seals a message and puts it into the overlay.
    pub(super) fn store_away(&mut self, parcel: Parcel) {
        let (pair, id) = (parcel.pair.clone(), parcel.id.clone());
        self.put(parcel, move |is_stored| Event::StoredAway { pair, id, is_stored });
    }

    /// Seals notices and puts them into the overlay.
    pub(super) fn store_notices_away(
        &mut self,
        pair: Pair,
        certificate: Certificate,
        pass: Option<Pass>,
        ids: Vec<String>,
    ) {
        let parcel = Parcel {
            pair: pair.clone(),
            certificate,
            pass,
            // A notice that is given once more is the same record, not one more.
            id: notice_id(&ids),
            at: time::now(),
            sequence: 0,
            returns: None,
            content: Content::Delivered(ids.clone()),
        };
        self.put(parcel, move |is_stored| Event::NoticesStoredAway {
            pair,
            ids,
            is_stored,
        });
    }

    fn put(&mut self, parcel: Parcel, outcome: impl FnOnce(bool) -> Event + Send + 'static) {
        let overlay = self.network.as_ref().map(|network| network.overlay.clone());
        let credential = self.credentials.get(&parcel.pair.own).cloned();
        let inbox = self.shared.inbox.clone();
        self.errands.spawn(async move {
            let is_stored = match (overlay, credential) {
                (Some(overlay), Some(credential)) => match put(&overlay, &credential, &parcel).await {
                    Ok(is_stored) => is_stored,
                    Err(what) => {
                        tracing::warn!("a message could not be put into the overlay: {what}");
                        false
                    }
                },
                _ => false,
            };
            let _ = inbox.send(Input::Event(outcome(is_stored)));
        });
    }

    /// Fetches what waits for an own address, now and as it comes, for as long as the overlay is there.
    pub(super) fn fetch_for(&self, credential: Arc<Credential>) {
        let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) else {
            return;
        };
        let inbox = self.shared.inbox.clone();
        tokio::spawn(async move {
            let key = Key::Offline(credential.address().clone());
            let mut watching = overlay.watch(Watched::Own(key, (*credential).clone())).await;
            let location = overlay.location();
            // What watches must not keep the overlay alive.
            drop(overlay);
            while let Some(record) = watching.next().await {
                let (location, credential, inbox) = (location.clone(), credential.clone(), inbox.clone());
                tokio::spawn(async move {
                    match open(&*location, record, &credential).await {
                        Ok(opened) => {
                            let revoked = revocations::look_up(&*location, opened.from()).await;
                            let _ = inbox.send(Input::Revoked(revoked));
                            let _ = inbox.send(Input::Fetched(Box::new(opened)));
                        }
                        Err(what) => tracing::debug!("what waited in the overlay was not opened: {what}"),
                    }
                });
            }
        });
    }

    pub(super) fn fetched(&mut self, opened: Opened) {
        let Opened {
            record,
            secret,
            envelope,
            content,
            passed,
        } = opened;
        let token = token(&record);
        let passed = passed.map(|(link, responder)| {
            let waits = self.fresh();
            self.responders.insert(waits, responder);
            (link, waits)
        });
        let certificate = record.signer().clone();
        self.stored.insert(token, (record, secret));
        let Envelope {
            from,
            to,
            at,
            id,
            sequence,
            returns,
            ..
        } = envelope;
        self.feed(Event::Fetched(Fetched {
            token,
            passed,
            pair: Pair { own: to, with: from },
            certificate,
            id,
            at,
            sequence,
            returns,
            content,
        }));
    }

    /// Removes from the overlay what is where it belongs.
    pub(super) fn remove_stored(&mut self, token: Token) {
        let Some((record, secret)) = self.stored.remove(&token) else {
            return;
        };
        let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) else {
            return;
        };
        self.errands.spawn(async move {
            if let Err(error) = remove(&*overlay.location(), &record, &secret).await {
                tracing::debug!(%error, "a message stays in the overlay until it expires");
            }
        });
    }
}

async fn put(overlay: &Overlay, credential: &Credential, parcel: &Parcel) -> Result<bool, String> {
    let Pair { own, with } = &parcel.pair;
    let (content_type, body) = content::encode(&parcel.content, &own.sip_uri());
    let envelope = Envelope {
        from: own.clone(),
        to: with.clone(),
        at: parcel.at,
        id: parcel.id.clone(),
        sequence: parcel.sequence,
        returns: parcel.returns,
        content_type: content_type.to_owned(),
        body,
    };
    let (bytes, secret) =
        seal::seal_to_store(&envelope, credential, &parcel.certificate).map_err(|error| error.to_string())?;
    let (sealed, parts) = in_parts(bytes)?;
    let value = Value::Offline {
        nonce: nonce(&parcel.id, with),
        recipient: parcel.certificate.fingerprint(),
        removal: sha256(&secret),
        sealed,
        pass: parcel.pass.clone(),
    };
    let now = time::now();
    let record = Record::sign_with_pass(
        credential,
        Key::Offline(with.clone()),
        value,
        now,
        now + OFFLINE_LIFETIME,
    )
    .map_err(|error| error.to_string())?;
    put_with_parts(&*overlay.location(), overlay.peer_id(), &record, &parts).await
}

/// Encrypted content as it stands in a record, and the parts that do not stand in it.
pub(super) fn in_parts(bytes: Vec<u8>) -> Result<(Sealed, Vec<Vec<u8>>), String> {
    if bytes.len() <= INLINE_LIMIT {
        return Ok((Sealed::Inline(bytes), Vec::new()));
    }
    let (fragments, parts) = Fragments::cut(&bytes).map_err(|error| error.to_string())?;
    let parts = parts.into_iter().map(<[u8]>::to_vec).collect();
    Ok((Sealed::Fragments(fragments), parts))
}

/// Hands a record and the parts of its content to the nodes. Whether another than this one keeps it: what only this device
/// keeps does not come when it is off line.
pub(super) async fn put_with_parts(
    location: &dyn LocationService,
    this: PeerId,
    record: &Record,
    parts: &[Vec<u8>],
) -> Result<bool, String> {
    let unavailable = |error: LocationError| error.to_string();
    for part in parts {
        if location.put_fragment(record, part).await.map_err(unavailable)? == 0 {
            return Ok(false);
        }
    }
    let report = location.put(record).await.map_err(unavailable)?;
    Ok(report.stored.iter().any(|peer| *peer != this))
}

fn notice_id(ids: &[String]) -> String {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    let hash = sha256(format!("corella notice 1 {}", ids.join(" ")).as_bytes());
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One message is one record, however often it is put there; and nobody can tell the message by it.
fn nonce(id: &str, to: &AddressOfRecord) -> record::Nonce {
    let hash = sha256(format!("corella nonce 1 {id} {to}").as_bytes());
    let mut nonce = record::Nonce::default();
    nonce.copy_from_slice(&hash[..16]);
    nonce
}

/// The same for the same record, whoever fetched it.
fn token(record: &Record) -> Token {
    let digest = sha256(record.to_xml().as_bytes());
    digest[..8]
        .iter()
        .fold(0, |token, byte| (token << 8) | Token::from(*byte))
}

/// Fetches the parts of what waits, and opens it.
pub(super) async fn open(location: &dyn LocationService, record: Record, me: &Credential) -> Result<Opened, String> {
    let mut tries = 0;
    let bytes = loop {
        tries += 1;
        match corella_overlay::content(location, &record).await {
            Ok(bytes) => break bytes,
            Err(error) if tries == TRIES => return Err(error.to_string()),
            // Its parts may still be on their way.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    };
    let opened = seal::open_stored(&bytes, me, record.signer(), time::now());
    let (envelope, secret) = opened.map_err(|error| error.to_string())?;
    let content = content::decode(&envelope.content_type, &envelope.body, record.signer()).map_err(str::to_owned)?;
    Ok(Opened {
        record,
        secret,
        envelope,
        content,
        passed: None,
    })
}

async fn remove(location: &dyn LocationService, record: &Record, secret: &RemovalSecret) -> Result<(), LocationError> {
    location.remove(record.key(), &[*secret]).await?;
    if let Some(Sealed::Fragments(fragments)) = record.value().sealed() {
        for hash in fragments.list() {
            location.remove_fragment(hash, secret).await?;
        }
    }
    Ok(())
}
