//! Sends letters as they become due.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Office;
use crate::letters::{self, CONNECTIONS, Mailer, Outcome};
use crate::register::Letter;

/// How long to wait at most before looking again: `list` and `revoke` may have written too.
const LOOK: Duration = Duration::from_secs(60);
/// How long to wait when the register failed.
const PAUSE: Duration = Duration::from_secs(5);

pub(super) async fn send_letters(office: Office, mailer: Mailer) {
    let mailer = std::sync::Arc::new(mailer);
    loop {
        let fetched = office
            .with_register(|office, register, now| {
                let letters = register.letters(office.authority.token_key(), CONNECTIONS, now)?;
                Ok::<_, crate::register::RegisterError>((letters, register.next_letter()?))
            })
            .await;
        let (letters, next) = match fetched {
            Some(Ok(fetched)) => fetched,
            Some(Err(error)) => {
                tracing::error!("letters cannot be read: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            None => return,
        };
        if letters.is_empty() {
            let wait = next.map_or(LOOK, |at| {
                Duration::from_millis(u64::try_from(at - office.now()).unwrap_or(0))
            });
            // Somebody has asked, or it is time.
            let _ = timeout(wait.min(LOOK), office.0.letters.notified()).await;
            continue;
        }
        let mut sending = JoinSet::new();
        for letter in letters {
            sending.spawn(send(office.clone(), mailer.clone(), letter));
        }
        while sending.join_next().await.is_some() {}
    }
}

async fn send(office: Office, mailer: std::sync::Arc<Mailer>, letter: Letter) {
    let config = &office.0.config;
    let message = letters::message(&letter, &office.0.authority, &config.name, &config.url);
    let outcome = mailer.send(&message).await.unwrap_or_else(|error| {
        tracing::error!("a letter cannot be written: {error}");
        Outcome::Later("it cannot be written".to_owned())
    });
    if let Outcome::Later(why) | Outcome::Refused(why) = &outcome {
        tracing::warn!("the mail server did not take a letter: {why}");
    }
    let done = office
        .with_register(move |_, register, now| match outcome {
            Outcome::Sent => register.sent(&letter, now),
            Outcome::Refused(why) => register.failed(&letter, true, &why, now),
            Outcome::Later(why) => register.failed(&letter, false, &why, now),
        })
        .await;
    if let Some(Err(error)) = done {
        tracing::error!("it cannot be kept that a letter was sent: {error}");
    }
}
