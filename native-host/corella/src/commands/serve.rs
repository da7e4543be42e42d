//! What the long-running commands share: the runtime, the signals, the end.

use std::{future::Future, process::ExitCode, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    cli::{self, OverlayArgs},
    config::{self, ConfigError, NetworkSettings},
    host::HostSettings,
    logging, paths,
};

/// Runs `work` on a runtime of one thread: what a person writes and reads is little work, and handing it from thread to thread
/// costs a sixth more of it. Disk and search have threads of their own. The token it gets is cancelled when the system or the user
/// asks the program to end; that is listened for before anything else is done. Reading stdin blocks a thread for good, so the
/// runtime is left behind and not waited for.
pub(crate) fn on_runtime<F: Future<Output = ExitCode>>(work: impl FnOnce(CancellationToken) -> F) -> ExitCode {
    logging::start();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cli::failed(&format!("the runtime cannot be started: {error}")),
    };
    let code = {
        let _context = runtime.enter();
        let end = CancellationToken::new();
        match listen_for_the_end(end.clone()) {
            Ok(()) => runtime.block_on(work(end)),
            Err(error) => cli::failed(&format!("signals cannot be listened for: {error}")),
        }
    };
    runtime.shutdown_timeout(Duration::from_millis(200));
    code
}

#[cfg(unix)]
fn listen_for_the_end(end: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        end.cancel();
    });
    Ok(())
}

#[cfg(not(unix))]
fn listen_for_the_end(end: CancellationToken) -> std::io::Result<()> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            end.cancel();
        }
    });
    Ok(())
}

/// The settings that arguments give.
pub(crate) fn settings(args: &OverlayArgs, accept_everyone: bool) -> Result<HostSettings, ConfigError> {
    let listen = if args.listen.is_empty() {
        &config::everywhere()
    } else {
        &args.listen
    };
    let anchors = match &args.trust {
        Some(path) => config::read_anchors(path)?,
        None => corella_identity::trust::TrustAnchors::none(),
    };
    let network = NetworkSettings {
        listen: config::addresses("--listen", listen)?,
        bootstrap: config::addresses("--bootstrap", &args.bootstrap)?,
        mdns: !args.no_mdns,
        meeting_place: Some(paths::meeting_place()),
        storing: config::storage(args.storage),
    };
    Ok(HostSettings {
        network,
        anchors,
        gateway: None,
        authority: None,
        accept_everyone,
    })
}
