//! Tells the overlay what is revoked, through a node's gateway, so that nobody has to ask the authority about anybody.
//!
//! What is to be told follows from the register alone: whatever fails is tried again until the certificate ends, and a restart forgets
//! nothing.

use std::collections::HashMap;
use std::time::Duration;

use corella_gateway::client::Reason;
use corella_gateway::draft::{DraftAnswer, DraftCall, DraftMethod};
use corella_gateway::xmlrpc::fault;
use corella_gateway::{CallError, Client, GatewayUrl};
use corella_identity::Millis;

use super::Office;
use crate::register::RegisterError;

/// How soon a revocation is told, also one that `corella-ca revoke` has written beside this.
const LOOK: Duration = Duration::from_secs(5);
/// What was told is told again after this: nodes come and go.
const AGAIN: Millis = 60 * 60 * 1000;
/// What could not be told is tried again after this.
const RETRY: Millis = 10 * 1000;

pub(super) async fn tell_overlay(office: Office, gateway: GatewayUrl) {
    let client = Client::default();
    // When each is to be told next, by serial number.
    let mut due: HashMap<Vec<u8>, Millis> = HashMap::new();
    loop {
        let known = due.clone();
        let records = office
            .with_register(move |office, register, now| {
                let revoked =
                    register.revoked_to_tell(now, |serial| known.get(serial).is_none_or(|due| *due <= now))?;
                let record = |(serial, address, certificate)| {
                    let record = office.authority.revocation(&address, &certificate, now)?;
                    Ok((serial, record))
                };
                revoked
                    .into_iter()
                    .map(record)
                    .collect::<Result<Vec<_>, RegisterError>>()
            })
            .await;
        let records = match records {
            Some(Ok(records)) => records,
            Some(Err(error)) => {
                tracing::error!("what is revoked cannot be read, and is not told to the overlay for now: {error}");
                Vec::new()
            }
            None => return,
        };
        for (serial, record) in records {
            let Some(record) = record else {
                tracing::error!("a certificate of a former issuing key, which is gone, stays valid in the overlay");
                due.insert(serial, Millis::MAX);
                continue;
            };
            let told = tell(&client, &gateway, record).await;
            if let Err(why) = &told {
                tracing::warn!("a revocation is not in the overlay yet: {why}");
            }
            due.insert(serial, office.now() + if told.is_ok() { AGAIN } else { RETRY });
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn tell(client: &Client, gateway: &GatewayUrl, document: String) -> Result<(), String> {
    let method = DraftMethod::PutAuth;
    let call = DraftCall { method, document };
    match client.call(gateway, method.name(), &call.params()).await {
        Ok(answer) => match DraftAnswer::read(method, answer) {
            Some(DraftAnswer::Done(true)) => Ok(()),
            _ => Err(format!("no node behind the gateway {gateway} keeps it")),
        },
        // A node has it, from a moment ago.
        Err(CallError {
            reason: Reason::Fault(said),
            ..
        }) if said.code == fault::REFUSED && said.text.starts_with("not-newer") => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
