//! `corella echo`: somebody to talk to who is always there.

use std::{process::ExitCode, sync::Arc};

use corella_identity::AddressOfRecord;
use tokio::sync::mpsc;

use super::{agent, serve};
use crate::{
    cli::{self, EchoArgs},
    host::{Call, Host},
    protocol::{Direction, Notification},
};

pub(crate) fn run(args: EchoArgs) -> ExitCode {
    let settings = match serve::settings(&args.overlay, true) {
        Ok(settings) => settings,
        Err(error) => return cli::wrong_use(&error.to_string()),
    };
    let address = match args.address.parse::<AddressOfRecord>() {
        Ok(address) => address,
        Err(error) => return cli::wrong_use(&format!("--address: {error}")),
    };
    serve::on_runtime(|end| async move {
        let host = match Host::open(&args.data, settings) {
            Ok(host) => host,
            Err(error) => return cli::failed(&error.message),
        };
        let news = host.subscribe();
        if let Err(error) = agent::enrol(&host, address, None).await {
            return cli::failed(&error.message);
        }
        tokio::select! {
            () = answer_all(&host, news) => {}
            () = end.cancelled() => {}
        }
        host.shutdown().await;
        ExitCode::SUCCESS
    })
}

/// Answers each message once. An echo never begins, so two of them have nothing to say to each other.
async fn answer_all(host: &Arc<Host>, mut news: mpsc::Receiver<Notification>) {
    while let Some(notification) = news.recv().await {
        match notification {
            Notification::Message { message }
                if message.direction == Direction::In && message.state == "received" && !message.request =>
            {
                let Ok(to) = message.with.parse::<AddressOfRecord>() else {
                    continue;
                };
                let answer = host.submit(Call::Send {
                    from: message.own.parse().ok(),
                    to: to.clone(),
                    text: message.text,
                });
                let read = host.submit(Call::MarkRead {
                    with: to,
                    up_to: message.id,
                });
                tokio::spawn(async move {
                    let (answer, read) = tokio::join!(answer, read);
                    if let Some(error) = answer.err().or(read.err()) {
                        tracing::warn!("an answer could not be sent: {}", error.message);
                    }
                });
            }
            Notification::Status(status) if status.online => {
                tracing::info!("the echo is on line");
            }
            _ => {}
        }
    }
}
