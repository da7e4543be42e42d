//! Logs: on stderr, which Thunderbird shows in its browser console.

use tracing_subscriber::EnvFilter;

/// libp2p tells of peers and where they are; what it warns of (no answer, nobody known) is what the overlay deals with anyway.
const LIBP2P: &str = "libp2p=error";

/// Warnings, and our own information. `CORELLA_LOG` changes it, as in `CORELLA_LOG=debug`; message text, addresses and keys are never
/// logged above `trace`. What libraries log of them is filtered out: of rsipstack at any setting, of libp2p unless it is named, as
/// in `CORELLA_LOG=libp2p=debug`.
pub(crate) fn start() {
    let wanted = std::env::var("CORELLA_LOG").unwrap_or_else(|_| "warn,corella=info".to_owned());
    let filter = EnvFilter::try_new(format!("{LIBP2P},{wanted},{}", corella_sip::LOG_DIRECTIVE))
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,{LIBP2P},{}", corella_sip::LOG_DIRECTIVE)));
    // A second start in one process would be refused, and change nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}
