//! Whose certificates make a peer verified: the configured authorities, and those that the user has added from a file.

use std::sync::Arc;

use corella_agent::Event;
use corella_identity::{
    Certificate, Fingerprint,
    trust::{AnchorsError, TrustAnchors},
};
use data_encoding::BASE64;
use serde_json::Value;

use super::{actor::Actor, calls::json, inbox::ReplyTo, views};
use crate::{
    authority::Authority,
    protocol::{self, AuthoritiesResult, ErrorName, RpcError},
    time,
};

/// Largest file that is read, in bytes.
const FILE_LIMIT: usize = 256 * 1024;

/// All that are trusted.
#[derive(Debug)]
pub(super) struct Authorities {
    configured: TrustAnchors,
    added: Vec<Certificate>,
}

impl Authorities {
    pub(super) fn new(configured: TrustAnchors, added: Vec<Certificate>) -> Authorities {
        Authorities { configured, added }
    }

    /// The configured and the added ones.
    pub(super) fn anchors(&self) -> TrustAnchors {
        self.configured.with(&self.added)
    }

    fn list(&self) -> Result<Value, RpcError> {
        let anchors = self.anchors();
        listed(anchors.authorities(), |one| !self.configured.trusts(one))
    }
}

impl Actor {
    pub(super) fn list_authorities(&self) -> Result<Value, RpcError> {
        self.authorities.list()
    }

    /// Trusts an authority in a file from now on.
    pub(super) fn add_authority(&mut self, file: &str, fingerprint: &Fingerprint, reply: ReplyTo) {
        let wanted = read(file).and_then(|found| {
            let wanted = found.into_iter().find(|one| one.fingerprint() == *fingerprint);
            wanted.ok_or_else(|| RpcError::new(ErrorName::InvalidParams, "no such authority in the file"))
        });
        match wanted {
            Ok(authority) => {
                if !self.authorities.anchors().trusts(&authority) {
                    self.authorities.added.push(authority.clone());
                    self.roster.save_authority(authority);
                    self.trust_anew();
                }
                self.reply_authorities(reply);
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Trusts one that was added no more.
    pub(super) fn remove_authority(&mut self, fingerprint: &Fingerprint, reply: ReplyTo) {
        let is_it = |one: &Certificate| one.fingerprint() == *fingerprint;
        if !self.authorities.added.iter().any(is_it) {
            let what = "no authority with this fingerprint was added; those in config.toml are removed there";
            return drop(reply.send(Err(RpcError::new(ErrorName::InvalidParams, what))));
        }
        self.authorities.added.retain(|one| !is_it(one));
        self.roster.forget_authority(*fingerprint);
        self.trust_anew();
        self.reply_authorities(reply);
    }

    /// Answered when it is on disk.
    fn reply_authorities(&mut self, reply: ReplyTo) {
        let result = self.authorities.list();
        self.roster.then(true, move |written| {
            let _ = reply.send(if written { result } else { Err(views::roster_error()) });
        });
        self.roster.commit();
    }

    /// Everybody who trusts somebody's authorities is told of others.
    fn trust_anew(&mut self) {
        let anchors = self.authorities.anchors();
        self.settings.anchors = anchors.clone();
        self.authority = self
            .settings
            .authority
            .clone()
            .map(|url| Arc::new(Authority::new(url, anchors.clone())));
        if let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) {
            let anchors = anchors.clone();
            tokio::spawn(async move { overlay.trust(anchors).await });
        }
        self.feed(Event::Authorities(anchors));
        for address in self.credentials.keys().cloned().collect::<Vec<_>>() {
            self.tell_identity(&address);
        }
    }
}

/// What authorities are in a file.
pub(super) fn inspect(file: &str) -> Result<Value, RpcError> {
    listed(&read(file)?, |_| true)
}

fn listed(authorities: &[Certificate], is_added: impl Fn(&Certificate) -> bool) -> Result<Value, RpcError> {
    let view = |one: &Certificate| protocol::Authority {
        name: one.subject_name(),
        fingerprint: one.fingerprint().to_string(),
        expires: one.not_after(),
        added: is_added(one),
    };
    json(AuthoritiesResult {
        authorities: authorities.iter().map(view).collect(),
    })
}

/// PEM, or DER in base64.
fn read(file: &str) -> Result<Vec<Certificate>, RpcError> {
    let unusable = |detail: &str, what: String| RpcError::new(ErrorName::BadCertificate, what).with("detail", detail);
    if file.len() > FILE_LIMIT {
        return Err(unusable("too-large", format!("the file has over {FILE_LIMIT} bytes")));
    }
    let found = match BASE64.decode(file.as_bytes()) {
        Ok(der) => TrustAnchors::from_der(&der),
        Err(_) => TrustAnchors::from_pem(file.as_bytes()),
    };
    let found = found.map_err(|error| {
        let detail = match error {
            AnchorsError::NoAuthority(_) => "no-authority",
            AnchorsError::Certificate(_) | AnchorsError::NoCertificate => "unreadable",
        };
        unusable(detail, error.to_string())
    })?;
    let authorities = found.authorities().to_vec();
    if authorities.iter().all(|one| one.not_after() < time::now()) {
        return Err(unusable("expired", "the authority's certificate has ended".into()));
    }
    Ok(authorities)
}
