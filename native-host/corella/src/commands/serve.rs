//! What the long-running commands share: the runtime, the signals, the end.

use std::{future::Future, process::ExitCode, time::Duration};

use crate::{
    cli::{self, OverlayArgs},
    config::{self, ConfigError, NetworkSettings},
    host::HostSettings,
    logging,
};

/// Runs `work` on a runtime. Reading stdin blocks a thread for good, so the runtime is left behind and not waited for.
pub(crate) fn on_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    logging::start();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cli::failed(&format!("the runtime cannot be started: {error}")),
    };
    let code = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_millis(200));
    code
}

/// Comes when the system or the user asks the program to end.
pub(crate) async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
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
    };
    Ok(HostSettings {
        network,
        anchors,
        accept_everyone,
    })
}
