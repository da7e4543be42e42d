//! `corella agent`: the same methods without Thunderbird.

use std::{process::ExitCode, sync::Arc};

use corella_identity::{AddressOfRecord, Credential};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::serve;
use crate::{
    bridge::{self, Framing, Reader, Session, Writer},
    cli::{self, AgentArgs},
    host::{Call, Host, HostSettings, Issued},
    protocol::RpcError,
};

pub(crate) fn run(args: AgentArgs) -> ExitCode {
    let settings = match serve::settings(&args.overlay, false) {
        Ok(settings) => HostSettings {
            gateway: args.gateway.clone(),
            authority: args.authority.clone(),
            ..settings
        },
        Err(error) => return cli::wrong_use(&error.to_string()),
    };
    let address = match args.address.parse::<AddressOfRecord>() {
        Ok(address) => address,
        Err(error) => return cli::wrong_use(&format!("--address: {error}")),
    };
    let issued = match issued(&args) {
        Ok(issued) => issued,
        Err(what) => return cli::wrong_use(&what),
    };
    if let Some(Issued { certificate, key }) = &issued
        && let Err(error) = Credential::from_pem(certificate.as_bytes(), key.as_bytes(), &address)
    {
        return cli::failed(&format!("the certificate cannot be used for {address}: {error}"));
    }
    serve::on_runtime(|end| async move {
        let host = match Host::open(&args.data, settings) {
            Ok(host) => host,
            Err(error) => return cli::failed(&error.message),
        };
        // Listened to before the address goes on line, so that the first status is not missed.
        let reader = Reader::new(Framing::Lines, tokio::io::stdin());
        let writer = Writer::new(Framing::Lines, tokio::io::stdout());
        let serving = until_the_end(Session::Open(host.clone()), reader, writer, end);
        let enrolling = enrol(&host, address, issued);
        tokio::pin!(serving);
        tokio::select! {
            code = &mut serving => code,
            enrolled = enrolling => match enrolled {
                Ok(()) => serving.await,
                Err(error) => {
                    host.shutdown().await;
                    cli::failed(&error.message)
                }
            },
        }
    })
}

/// Goes on line with an address.
pub(crate) async fn enrol(host: &Host, address: AddressOfRecord, issued: Option<Issued>) -> Result<(), RpcError> {
    let call = match issued {
        Some(issued) => Call::Import(address, issued),
        None => Call::Enrol {
            address,
            revoke_others: false,
        },
    };
    host.submit(call).await.map(drop)
}

/// Serves one client until it is gone or the program is asked to end; then ends the host in good order.
pub(crate) async fn until_the_end<R, W>(
    session: Session,
    reader: Reader<R>,
    writer: Writer<W>,
    end: CancellationToken,
) -> ExitCode
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let running: Arc<std::sync::Mutex<Option<Arc<Host>>>> = Arc::default();
    tokio::select! {
        () = bridge::serve(session, reader, writer, running.clone()) => {}
        () = end.cancelled() => {}
    }
    let host = running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(host) = host {
        host.shutdown().await;
    }
    ExitCode::SUCCESS
}

fn issued(args: &AgentArgs) -> Result<Option<Issued>, String> {
    let (Some(certificate), Some(key)) = (&args.certificate, &args.key) else {
        return Ok(None);
    };
    let read = |path: &std::path::Path| {
        std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
    };
    Ok(Some(Issued {
        certificate: read(certificate)?,
        key: read(key)?,
    }))
}
