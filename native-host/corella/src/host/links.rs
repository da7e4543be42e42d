//! The standing links: for each, one task that seals and sends, and one that opens what comes in, so that each direction keeps its
//! order and every peer's messages get their turn.

use std::{collections::HashMap, sync::Arc};

use corella_agent::{Content, Device, Event, LinkId, Token};
use corella_identity::{
    AddressOfRecord, Certificate, Credential, Millis,
    invitation::Nonce,
    seal::{self, Envelope, OpenError},
};
use corella_overlay::{Key, Record, link::Link, peer_host};
use corella_sip::{
    guard::Rate,
    ua::{self, IncomingMessage, LinkInfo, OutgoingMessage, SendError, UserAgent},
};
use libp2p::PeerId;
use tokio::sync::mpsc;

use super::{Shared, inbox::Input};
use crate::{content, time};

/// Links that one device may hold in the names of strangers.
const STRANGERS_LINKS_OF_DEVICE: usize = 16;
/// Links between the same two addresses that one device may hold: both ends may have called at once, and again.
const LINKS_OF_PAIR: usize = 4;
/// Links that all strangers together may hold; then the oldest gives way to the next.
const LINKS_OF_STRANGERS: usize = 256;

/// Something to send.
#[derive(Debug)]
pub(super) enum Job {
    /// A sealed envelope to a peer.
    Letter(Letter),
    /// To another device of the user's: a record that waits for the user in the overlay. It is signed and sealed as it is.
    Record { token: Token, xml: Arc<str> },
    /// To another device of the user's: which others there are.
    Devices(Vec<Device>),
}

/// Something to seal and send.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) certificate: Certificate,
    pub(super) id: String,
    pub(super) at: Millis,
    pub(super) sequence: u64,
    /// What the recipient mailed to the author.
    pub(super) returns: Option<Nonce>,
    pub(super) content: Content,
    /// Whether the core wants to know what became of it.
    pub(super) kept: bool,
}

/// What both tasks of a link know.
struct Ends {
    id: LinkId,
    own: AddressOfRecord,
    with: AddressOfRecord,
    /// The key that signed the peer's contact record.
    certificate: Certificate,
    credential: Arc<Credential>,
    sip: UserAgent,
    shared: Arc<Shared>,
}

/// All links.
#[derive(Default)]
pub(super) struct Links {
    standing: HashMap<LinkId, Standing>,
}

struct Standing {
    own: AddressOfRecord,
    with: AddressOfRecord,
    device: PeerId,
    stranger: bool,
    /// Closed from here; that it is gone has not been told yet.
    closing: bool,
    jobs: mpsc::UnboundedSender<Job>,
    incoming: mpsc::UnboundedSender<IncomingMessage>,
    sip: UserAgent,
}

impl Links {
    pub(super) async fn attach(
        &mut self,
        id: LinkId,
        link: Link,
        stranger: bool,
        credential: Arc<Credential>,
        sip: UserAgent,
        shared: Arc<Shared>,
    ) -> bool {
        let of_device = || self.standing.values().filter(|s| s.device == link.peer && !s.closing);
        let of_pair = of_device().filter(|s| s.own == link.local && s.with == link.remote);
        let of_strangers = of_device().filter(|s| s.stranger);
        if of_pair.count() >= LINKS_OF_PAIR || (stranger && of_strangers.count() >= STRANGERS_LINKS_OF_DEVICE) {
            tracing::debug!("a link was not attached: the device has too many");
            return false;
        }
        if stranger {
            self.make_room();
        }
        let device = link.peer;
        let info = LinkInfo {
            id: ua::LinkId(id),
            peer_host: peer_host::host_of(&link.peer),
            local: link.local.clone(),
            remote: link.remote.clone(),
            rate: if stranger { Rate::STRANGER } else { Rate::KNOWN },
        };
        let (jobs, to_send) = mpsc::unbounded_channel();
        let (incoming, to_open) = mpsc::unbounded_channel();
        let (own, with, certificate) = (link.local.clone(), link.remote.clone(), link.certificate.clone());
        let (ours, person) = (own.clone(), with.clone());
        let ends = Arc::new(Ends {
            id,
            own,
            with,
            certificate,
            credential,
            sip: sip.clone(),
            shared,
        });
        if let Err(error) = sip.attach(info, link.stream).await {
            tracing::debug!("a link was not attached: {error}");
            return false;
        }
        tokio::spawn(send_all(ends.clone(), to_send));
        tokio::spawn(open_all(ends, to_open));
        self.standing.insert(
            id,
            Standing {
                own: ours,
                with: person,
                device,
                stranger,
                closing: false,
                jobs,
                incoming,
                sip,
            },
        );
        true
    }

    /// Closes the oldest link of a stranger if there are too many for one more.
    fn make_room(&mut self) {
        let of_strangers = || self.standing.iter().filter(|(_, s)| s.stranger && !s.closing);
        if of_strangers().count() >= LINKS_OF_STRANGERS
            && let Some(oldest) = of_strangers().map(|(id, _)| *id).min()
        {
            self.close(oldest);
        }
    }

    pub(super) fn send(&self, link: LinkId, job: Job) {
        if let Some(standing) = self.standing.get(&link) {
            let _ = standing.jobs.send(job);
        }
    }

    pub(super) fn received(&self, message: IncomingMessage) {
        if let Some(standing) = self.standing.get(&message.link.0) {
            let _ = standing.incoming.send(message);
        }
    }

    /// Closes a link; that it is gone is told by the user agent.
    pub(super) fn close(&mut self, link: LinkId) {
        if let Some(standing) = self.standing.get_mut(&link) {
            standing.closing = true;
            standing.sip.detach(ua::LinkId(link));
        }
    }

    /// Closes all links of an own address.
    pub(super) fn close_all_of(&mut self, own: &AddressOfRecord) {
        for (id, standing) in self.standing.iter_mut().filter(|(_, standing)| standing.own == *own) {
            standing.closing = true;
            standing.sip.detach(ua::LinkId(*id));
        }
    }

    /// The user wants to hear from this person: their devices are read as fast as they write.
    pub(super) fn welcome(&mut self, person: &AddressOfRecord) {
        for (id, standing) in self
            .standing
            .iter_mut()
            .filter(|(_, standing)| standing.with == *person)
        {
            standing.stranger = false;
            standing.sip.set_rate(ua::LinkId(*id), Rate::KNOWN);
        }
    }

    /// Whether another link to a device stands.
    pub(super) fn reach(&self, device: &PeerId) -> bool {
        self.standing.values().any(|standing| standing.device == *device)
    }

    /// Forgets a link that is gone; to which device it was, if it is known.
    pub(super) fn remove(&mut self, link: LinkId) -> Option<PeerId> {
        self.standing.remove(&link).map(|standing| standing.device)
    }
}

async fn send_all(ends: Arc<Ends>, mut jobs: mpsc::UnboundedReceiver<Job>) {
    while let Some(job) = jobs.recv().await {
        let job = match job {
            Job::Letter(job) => job,
            Job::Record { token, xml } => {
                tokio::spawn(send_record(ends.clone(), token, xml));
                continue;
            }
            Job::Devices(devices) => {
                tokio::spawn(tell_devices(ends.clone(), devices));
                continue;
            }
        };
        let (content_type, body) = content::encode(&job.content, &ends.own.sip_uri());
        let envelope = Envelope {
            from: ends.own.clone(),
            to: ends.with.clone(),
            at: job.at,
            id: job.id.clone(),
            sequence: job.sequence,
            returns: job.returns,
            content_type: content_type.to_owned(),
            body,
        };
        let sealed = match seal::seal(&envelope, &ends.credential, &job.certificate) {
            Ok(sealed) => sealed,
            Err(error) => {
                tracing::error!("a message could not be sealed: {error}");
                report(&ends, &job, None);
                continue;
            }
        };
        // Sealing takes a third of a millisecond: others get their turn between two messages.
        tokio::task::yield_now().await;
        let message = OutgoingMessage {
            content_type: seal::SEALED_CONTENT_TYPE.to_owned(),
            body: sealed,
        };
        let ends = ends.clone();
        tokio::spawn(async move {
            let status = match ends.sip.message(ua::LinkId(ends.id), message).await {
                Ok(answer) => Some(answer.status),
                Err(SendError::TooLarge) => Some(513),
                Err(error) => {
                    tracing::debug!("a request got no answer: {error}");
                    None
                }
            };
            report(&ends, &job, status);
        });
    }
}

async fn tell_devices(ends: Arc<Ends>, devices: Vec<Device>) {
    let message = OutgoingMessage {
        content_type: content::DEVICES.to_owned(),
        body: content::encode_devices(&devices),
    };
    if let Err(error) = ends.sip.message(ua::LinkId(ends.id), message).await {
        // It is told again over the next link.
        tracing::debug!("another device was not told of the others: {error}");
    }
}

async fn send_record(ends: Arc<Ends>, token: Token, xml: Arc<str>) {
    let message = OutgoingMessage {
        content_type: content::RECORD.to_owned(),
        body: xml.as_bytes().to_vec(),
    };
    let link = ends.id;
    let answer = ends.sip.message(ua::LinkId(link), message).await;
    // Refused for good, it is that device's decision; anything else may be otherwise later.
    let is_taken = answer.is_ok_and(|answer| matches!(answer.status, 200 | 403 | 415));
    let _ = ends
        .shared
        .inbox
        .send(Input::Event(Event::PassedOn { link, token, is_taken }));
}

fn report(ends: &Ends, job: &Letter, status: Option<u16>) {
    if job.kept {
        let (link, id) = (ends.id, job.id.clone());
        let event = match status {
            Some(status) => Event::Answered { link, id, status },
            None => Event::NotAnswered { link, id },
        };
        let _ = ends.shared.inbox.send(Input::Event(event));
    }
}

async fn open_all(ends: Arc<Ends>, mut messages: mpsc::UnboundedReceiver<IncomingMessage>) {
    while let Some(message) = messages.recv().await {
        tokio::task::yield_now().await;
        if ends.own == ends.with {
            between_devices(&ends, message);
            continue;
        }
        match open(&ends, &message) {
            Ok((envelope, content)) => {
                let Envelope {
                    id,
                    at,
                    sequence,
                    returns,
                    ..
                } = envelope;
                let (link, responder) = (ends.id, message.responder);
                let _ = ends.shared.inbox.send(Input::Opened {
                    link,
                    id,
                    at,
                    sequence,
                    returns,
                    content,
                    responder,
                });
            }
            Err((status, what)) => {
                tracing::info!(status, "a message was refused: {what}");
                message.responder.answer(status, None);
            }
        }
    }
}

/// Another device of the user's passes on what waits in the overlay, or says which others there are; nothing else is said
/// between them.
fn between_devices(ends: &Ends, message: IncomingMessage) {
    if message.content_type == content::DEVICES {
        let Some(devices) = content::decode_devices(&message.body) else {
            return message.responder.answer(400, None);
        };
        let _ = ends.shared.inbox.send(Input::DevicesTold(ends.id, devices));
        return message.responder.answer(200, None);
    }
    let read = if message.content_type == content::RECORD {
        Record::from_xml(&message.body, time::now()).map_err(|error| error.to_string())
    } else {
        Err("not a record".to_owned())
    };
    match read {
        Ok(record) if *record.key() == Key::Offline(ends.own.clone()) => {
            let (link, responder) = (ends.id, message.responder);
            let record = Box::new(record);
            let _ = ends.shared.inbox.send(Input::PassedHere {
                link,
                record,
                responder,
            });
        }
        Ok(_) => message.responder.answer(403, None),
        Err(what) => {
            tracing::info!("what another device passed on was refused: {what}");
            message.responder.answer(415, None);
        }
    }
}

/// Opens an envelope; else the SIP status and the name of what is wrong.
fn open(ends: &Ends, message: &IncomingMessage) -> Result<(Envelope, Content), (u16, String)> {
    let media_type = message.content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/pkcs7-mime") {
        return Err((415, "not sealed".into()));
    }
    let envelope = seal::open(&message.body, &ends.credential, &ends.certificate, time::now()).map_err(|error| {
        let status = match error {
            OpenError::NotForMe | OpenError::Undecipherable => 493,
            OpenError::TooLarge(_) => 413,
            OpenError::Malformed(_) => 400,
            _ => 403,
        };
        (status, error.to_string())
    })?;
    // A certificate may be for several addresses; this link is one person's.
    if envelope.from != ends.with {
        return Err((403, "the message is not from the address of its link".into()));
    }
    let content = content::decode(&envelope.content_type, &envelope.body, &ends.certificate)
        .map_err(|what| (415, what.to_owned()))?;
    if let Content::Pass(pass) = &content
        && !pass.is_for(&ends.with, &ends.credential.certificate().fingerprint(), time::now())
    {
        return Err((
            403,
            "the pass is not theirs, or not for the certificate in use here".into(),
        ));
    }
    Ok((envelope, content))
}
