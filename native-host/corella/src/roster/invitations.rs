//! What was mailed between the user and somebody, as a column of the roster.

use corella_agent::{Invitations, Mailed, Offer};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Column {
    mailed: Option<Nonce>,
    offers: Vec<Offered>,
    returns: Option<Nonce>,
}

#[derive(Serialize, Deserialize)]
struct Nonce {
    nonce: String,
    until: i64,
}

#[derive(Serialize, Deserialize)]
struct Offered {
    own: String,
    nonce: Nonce,
    accepted: bool,
}

/// Nothing for nothing.
pub(super) fn text(invitations: &Invitations) -> Option<String> {
    let nonce = |mailed: &Mailed| Nonce {
        nonce: mailed.nonce.to_string(),
        until: mailed.until,
    };
    let column = Column {
        mailed: invitations.mailed.as_ref().map(nonce),
        offers: invitations
            .offers
            .iter()
            .map(|offer| Offered {
                own: offer.own.to_string(),
                nonce: nonce(&offer.mailed),
                accepted: offer.is_accepted,
            })
            .collect(),
        returns: invitations.returns.as_ref().map(nonce),
    };
    (*invitations != Invitations::default())
        .then(|| serde_json::to_string(&column).ok())
        .flatten()
}

pub(super) fn read(text: &str) -> Option<Invitations> {
    let column: Column = serde_json::from_str(text).ok()?;
    let mailed = |Nonce { nonce, until }: Nonce| {
        Some(Mailed {
            nonce: nonce.parse().ok()?,
            until,
        })
    };
    let offer = |offered: Offered| {
        Some(Offer {
            own: offered.own.parse().ok()?,
            mailed: mailed(offered.nonce)?,
            is_accepted: offered.accepted,
        })
    };
    Some(Invitations {
        mailed: column.mailed.and_then(mailed),
        offers: column.offers.into_iter().filter_map(offer).collect(),
        returns: column.returns.and_then(mailed),
    })
}
