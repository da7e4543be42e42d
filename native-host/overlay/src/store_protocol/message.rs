//! What nodes ask of each other and answer.

use corella_identity::Millis;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use crate::storing::Refusal;

/// What is asked of a storing node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Request {
    /// Keep this record.
    Put {
        /// The record as XML.
        record: String,
    },
    /// Which records are there under this key?
    Get {
        /// The clear key.
        key: String,
        /// The proof that the asker may read, where it is needed.
        ticket: Option<String>,
        /// How many records to pass over.
        skip: u32,
    },
    /// Which records that anybody reads are there under the key with this hash?
    Find {
        /// SHA-256 of the clear key.
        digest: ByteArray<32>,
        /// How many records to pass over.
        skip: u32,
    },
    /// Remove what these secrets remove.
    Remove {
        /// The clear key.
        key: String,
        /// At most [`super::SECRETS`].
        secrets: Vec<ByteArray<32>>,
    },
    /// Tell me of records that are new under this key.
    Watch {
        /// The clear key.
        key: String,
        /// The proof that the asker may read, where it is needed.
        ticket: Option<String>,
    },
    /// To who watches: this record is new under its key.
    Changed {
        /// The record as XML.
        record: String,
    },
    /// Keep this fragment of a record's content.
    PutFragment {
        /// The record that lists it, as XML.
        parent: String,
        /// The fragment.
        bytes: ByteBuf,
    },
    /// Keep these bytes under their hash, for a guest.
    PutImmutable {
        /// At most as many as a fragment has.
        bytes: ByteBuf,
        /// When they end.
        expires: Millis,
    },
    /// Which fragment has this hash?
    GetFragment {
        /// Its SHA-256.
        hash: ByteArray<32>,
    },
    /// Remove a fragment whose record is removed by this secret.
    RemoveFragment {
        /// Its SHA-256.
        hash: ByteArray<32>,
        /// The record's secret.
        secret: ByteArray<32>,
    },
    /// Keep a value of OpenDHT's.
    PutValue {
        /// At most 20 bytes.
        key: ByteBuf,
        /// At most 1024 bytes.
        value: ByteBuf,
        /// SHA-1 of the secret that removes it.
        secret_hash: Option<ByteArray<20>>,
        /// When it ends.
        expires: Millis,
    },
    /// Remove a value of OpenDHT's.
    RemoveValue {
        /// At most 20 bytes.
        key: ByteBuf,
        /// SHA-1 of the value.
        value_hash: ByteArray<20>,
        /// At most 40 bytes.
        secret: ByteBuf,
        /// How long to remember it.
        expires: Millis,
    },
    /// Which of OpenDHT's values are there under this key?
    GetValues {
        /// At most 20 bytes.
        key: ByteBuf,
        /// Hash of the value and of the secret after which to begin.
        after: Option<(ByteArray<20>, ByteBuf)>,
    },
    /// The asker offers a service.
    Join {
        /// The name of the services among which it is found.
        namespace: String,
        /// Where it is, as a URI.
        host: String,
        /// What it is.
        service: String,
    },
    /// The asker offers a service no longer.
    Leave {
        /// As with `Join`.
        namespace: String,
        /// What `Join` answered.
        identifier: ByteArray<32>,
    },
    /// Who offers services, from this place on?
    LookUp {
        /// As with `Join`.
        namespace: String,
        /// A place in the circle of identifiers.
        place: ByteArray<32>,
    },
}

impl Request {
    /// How much of its asker's time it takes, in milliseconds: a question one, what has to be verified four.
    pub fn cost(&self) -> Millis {
        match self {
            Self::Put { .. } | Self::PutFragment { .. } | Self::PutImmutable { .. } | Self::Changed { .. } => 4,
            Self::Get { ticket: Some(_), .. } | Self::Watch { ticket: Some(_), .. } => 4,
            _ => 1,
        }
    }
}

/// What a storing node answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Response {
    /// It is kept, was there already, or was heard.
    Stored,
    /// The request was refused.
    Refused {
        /// A name of [`Refusal`].
        name: String,
        /// With `not-newer`: the sequence of the record that is kept.
        held: Option<Millis>,
    },
    /// The records under the key.
    Records {
        /// As XML.
        records: Vec<String>,
        /// Whether there are more.
        more: bool,
    },
    /// So many things were there and are removed.
    Removed {
        /// How many.
        count: u32,
    },
    /// The fragment, if it is there.
    Fragment {
        /// Its bytes.
        bytes: Option<ByteBuf>,
    },
    /// OpenDHT's values under the key, in the order of their hashes.
    Values {
        /// Removed ones among them.
        values: Vec<ValueAt>,
    },
    /// The host has joined.
    Joined {
        /// Where it stands among the others.
        identifier: ByteArray<32>,
    },
    /// Who offers services.
    Hosts {
        /// The nearest to the place first.
        hosts: Vec<HostAt>,
    },
}

/// A value of OpenDHT's as a node keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueAt {
    /// SHA-1 of the value.
    pub hash: ByteArray<20>,
    /// The value; empty if it was removed.
    pub value: ByteBuf,
    /// SHA-1 of the secret that removes it.
    pub secret_hash: Option<ByteArray<20>>,
    /// When it ends.
    pub expires: Millis,
    /// The secret, if the value was removed.
    pub secret: Option<ByteBuf>,
}

/// Somebody who offers a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostAt {
    /// Where it stands among the others.
    pub identifier: ByteArray<32>,
    /// Where it is, as a URI.
    pub host: String,
    /// What it is.
    pub service: String,
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let held = match refusal {
            Refusal::NotNewer { held } => Some(held),
            _ => None,
        };
        Self::Refused {
            name: refusal.name().to_owned(),
            held,
        }
    }
}
