//! The command line.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, error::ErrorKind};
use corella_gateway::GatewayUrl;

use crate::{authority::AuthorityUrl, commands};

/// Wrong use of the command line.
const WRONG_USE: u8 = 2;

#[derive(Debug, Parser)]
#[command(
    name = "corella",
    version,
    about = "Peer-to-peer SIP for Thunderbird",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an agent without Thunderbird: JSON-RPC on stdin and stdout, one document a line
    Agent(Box<AgentArgs>),
    /// Run a node without a user: it routes and stores for the overlay
    Node(NodeArgs),
    /// Run an agent that answers every message with the same text
    Echo(EchoArgs),
    /// Search the stored conversations
    Search(SearchArgs),
    /// Register this program with Thunderbird
    Install(ScopeArgs),
    /// Undo what `install` did
    Uninstall(UninstallArgs),
    /// Say what is wrong, and the one thing to do about it
    Doctor(DoctorArgs),
}

#[derive(Debug, Args)]
pub(crate) struct OverlayArgs {
    /// Listen at this multiaddr; may be given several times [default: all interfaces, any port, QUIC and TCP]
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) listen: Vec<String>,
    /// Join the overlay by this node; may be given several times
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) bootstrap: Vec<String>,
    /// Trust the authorities in this PEM file
    #[arg(long, value_name = "CA.PEM")]
    pub(crate) trust: Option<PathBuf>,
    /// Do not look for agents in the local network
    #[arg(long)]
    pub(crate) no_mdns: bool,
    /// Keep at most so many MiB of others' records [default: 64]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(crate) storage: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    /// Keep keys, buddies and conversations here
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The user's mail address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) overlay: OverlayArgs,
    /// An issued certificate for the address, PEM, chain after it
    #[arg(long, value_name = "C.PEM", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "K.PEM", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Ask this authority for a certificate, which it mails; its root has to be in --trust
    #[arg(long, value_name = "URL", requires = "trust", conflicts_with = "certificate")]
    pub(crate) authority: Option<AuthorityUrl>,
    /// Take no part in the overlay, and find people through this node's gateway
    #[arg(long, value_name = "URL", conflicts_with_all = ["bootstrap", "storage"])]
    pub(crate) gateway: Option<GatewayUrl>,
}

#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// Keep the node's key here
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) overlay: OverlayArgs,
    /// Serve the overlay to others by XML-RPC here, at /RPC2 and, as OpenDHT did, at /
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) gateway: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    /// Keep keys and conversations here
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The echo's address
    #[arg(long, value_name = "ADDRESS", default_value = "echo@corella.invalid")]
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) overlay: OverlayArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words, "phrases", prefix*, from: to: with: before: after: -not
    pub(crate) query: String,
    /// The data directory [default: the one below the user's data, if there is just one]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ScopeArgs {
    /// For all users of this machine
    #[arg(long)]
    pub(crate) system: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Remove keys and conversations too
    #[arg(long, conflicts_with = "system")]
    pub(crate) purge: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs what the arguments ask for.
pub(crate) fn run() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if commands::bridge::started_by_thunderbird(&arguments) {
        return commands::bridge::run();
    }
    match Cli::try_parse_from(arguments) {
        Ok(cli) => dispatch(cli.command),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        Err(error) => wrong_use(&one_line(&error)),
    }
}

fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Agent(args) => commands::agent::run(*args),
        Command::Node(args) => commands::node::run(args),
        Command::Echo(args) => commands::echo::run(args),
        Command::Search(args) => commands::search::run(args),
        Command::Install(args) => commands::install::run_install(args.system),
        Command::Uninstall(args) => commands::install::run_uninstall(args.scope.system, args.purge),
        Command::Doctor(args) => commands::doctor::run(args.json),
    }
}

/// One clear line on stderr, exit code 2.
pub(crate) fn wrong_use(what: &str) -> ExitCode {
    eprintln!("corella: {what}; see corella --help");
    ExitCode::from(WRONG_USE)
}

/// One clear line on stderr, exit code 1.
pub(crate) fn failed(what: &str) -> ExitCode {
    eprintln!("corella: {what}");
    ExitCode::FAILURE
}

/// clap's words up to its hints, on one line.
fn one_line(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing".to_owned();
    }
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let text = text.split("\n\n").next().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_use_is_one_line_that_names_the_fault() {
        for (arguments, fault) in [
            (vec!["corella"], "command is missing"),
            (vec!["corella", "agent"], "--data"),
            (vec!["corella", "node", "--data"], "--data"),
            (vec!["corella", "fly"], "fly"),
            (
                vec!["corella", "agent", "--data", "x", "--address", "a@b.c", "--key", "k"],
                "--certificate",
            ),
        ] {
            let line = one_line(&Cli::try_parse_from(&arguments).unwrap_err());
            assert!(line.contains(fault) && !line.contains('\n'), "{arguments:?}: {line}");
        }
    }
}
