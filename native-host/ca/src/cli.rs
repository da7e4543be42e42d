//! `corella-ca`: what it can be started as.

use std::error::Error;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use corella_identity::{AddressOfRecord, Millis};
use data_encoding::HEXLOWER_PERMISSIVE;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::authority::{Authority, write_private};
use crate::config::{Config, FILE};
use crate::http;
use crate::letters::{self, Mailer};
use crate::register::{Register, Selection};
use crate::request::{REQUEST_LIMIT, Request};

/// The certifying authority of Corella: mails people their certificates.
#[derive(Debug, Parser)]
#[command(name = "corella-ca", version)]
struct Cli {
    /// The authority's folder: keys, register and settings.
    #[arg(long, default_value = "/var/lib/corella-ca")]
    folder: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes root and issuing keys, and settings to be filled in; prints the root's fingerprint.
    Init {
        /// What people read in certificates and letters.
        #[arg(long)]
        name: String,
    },
    /// Makes a new issuing key in place of one that ends soon.
    RenewIssuing,
    /// Takes requests and sends letters until it is stopped.
    Serve,
    /// Issues a certificate by hand for a request in a file (PKCS #10, PEM or DER; `-`: standard input).
    Issue {
        /// The file.
        request: PathBuf,
    },
    /// Lists certificates.
    List(ListArgs),
    /// Revokes certificates.
    Revoke(RevokeArgs),
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Only those of this address.
    address: Option<AddressOfRecord>,
    /// What happened instead, the latest first.
    #[arg(long, conflicts_with = "address")]
    audit: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// All of this address.
    #[arg(long)]
    address: Option<AddressOfRecord>,
    /// The one with this serial number, in hexadecimal digits.
    #[arg(long)]
    serial: Option<String>,
}

#[derive(Args, Debug)]
struct RevokeArgs {
    #[command(flatten)]
    which: Which,
    /// Why, for the audit log.
    #[arg(long, default_value = "")]
    why: String,
}

type Failure = Box<dyn Error>;

/// Runs the program with the arguments of this process.
pub fn run() -> ExitCode {
    let filter = EnvFilter::try_from_env("CORELLA_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match carry_out(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "corella-ca: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(cli: Cli) -> Result<(), Failure> {
    let folder = cli.folder;
    let register = |config: &Config| Register::open(Some(&folder.join("register.sqlite")), config.limits.clone());
    let mut out = std::io::stdout().lock();
    match cli.command {
        Command::Init { name } => {
            let root = Authority::init(&folder, &name, now())?;
            write_private(&folder.join(FILE), settings(&name).as_bytes())?;
            writeln!(out, "{}", root.fingerprint())?;
        }
        Command::RenewIssuing => {
            let config = Config::read(&folder)?;
            let issuing = Authority::renew_issuing(&folder, &config.name, now())?;
            writeln!(out, "{}", issuing.fingerprint())?;
        }
        Command::Serve => serve(Config::read(&folder)?, &folder)?,
        Command::Issue { request } => {
            let config = Config::read(&folder)?;
            let authority = Authority::open(&folder, &config.url)?;
            let request = Request::from_der(&read_request(&request)?)?;
            let certificate = register(&config)?.issue_by_hand(&authority, &request, now())?;
            write!(out, "{}", letters::pem(&certificate, &authority.chain()))?;
        }
        Command::List(ListArgs { audit: true, .. }) => {
            for (at, event, address, detail) in register(&Config::read(&folder)?)?.audit(usize::MAX >> 1)? {
                writeln!(out, "{}\t{event}\t{address}\t{detail}", date(at))?;
            }
        }
        Command::List(ListArgs { address, .. }) => {
            let address = address.as_ref().map(AddressOfRecord::as_str);
            for issued in register(&Config::read(&folder)?)?.certificates(address)? {
                let state = match issued.revoked {
                    Some(at) => format!("revoked {}", date(at)),
                    None if issued.expires < now() => "expired".to_owned(),
                    None => "valid".to_owned(),
                };
                let serial = HEXLOWER_PERMISSIVE.encode(&issued.serial);
                let (at, expires) = (date(issued.at), date(issued.expires));
                writeln!(out, "{serial}\t{}\t{at}\t{expires}\t{state}", issued.address)?;
            }
        }
        Command::Revoke(RevokeArgs { which, why }) => {
            let selection = match (which.address, which.serial) {
                (Some(address), _) => Selection::Address(address.as_str().to_owned()),
                (None, serial) => {
                    let serial = serial.unwrap_or_default();
                    let digits = HEXLOWER_PERMISSIVE.decode(serial.as_bytes());
                    Selection::Serial(
                        digits.map_err(|_| "a serial number is of hexadecimal digits, as `list` shows it")?,
                    )
                }
            };
            match register(&Config::read(&folder)?)?.revoke(&selection, &why, now())? {
                0 => return Err("there is no such certificate that is valid; see `corella-ca list`".into()),
                count => writeln!(out, "{count} revoked")?,
            }
        }
    }
    Ok(())
}

fn serve(config: Config, folder: &std::path::Path) -> Result<(), Failure> {
    // Two providers are linked; the choice is made once.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = Authority::open(folder, &config.url)?;
    let mut register = Register::open(Some(&folder.join("register.sqlite")), config.limits.clone())?;
    register.tidy(now())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mailer = Mailer::new(&config.smtp, &config.name)?;
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let started = |address| tracing::info!("listening on {address}");
        http::serve(authority, register, mailer, config, now, started, stop).await?;
        Ok(())
    })
}

fn read_request(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = u64::try_from(2 * REQUEST_LIMIT)?;
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        let file = std::fs::File::open(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        file.take(most).read_to_end(&mut bytes)?;
    }
    if bytes.starts_with(b"-----BEGIN") {
        let request = openssl::x509::X509Req::from_pem(&bytes).map_err(|_| "the file holds no certificate request")?;
        bytes = request.to_der()?;
    }
    Ok(bytes)
}

fn settings(name: &str) -> String {
    format!(
        "# How the authority serves. Fill in addresses and the mail server, then start `corella-ca serve`.
name = {}
# Where people reach it.
url = \"https://ca.example.net\"
# Where it listens.
listen = \"127.0.0.1:8460\"
# Behind a proxy that does HTTPS, and says in X-Forwarded-For who asks:
behind_proxy = true
# The gateway of a node (`corella node --gateway …`), which is told what is revoked:
# gateway = \"http://127.0.0.1:5852\"
# Without a proxy:
# [tls]
# certificate = \"/etc/ssl/ca.example.net.pem\"
# key = \"/etc/ssl/private/ca.example.net.key\"

[smtp]
host = \"mail.example.net\"
port = 587
from = \"certificates@example.net\"
user = \"certificates@example.net\"
password_file = \"/etc/corella-ca/password\"

# [limits]
# per_network = 60
",
        toml::Value::String(name.to_owned())
    )
}

fn date(at: Millis) -> String {
    DateTime::from_timestamp_millis(at).map_or_else(|| at.to_string(), |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn now() -> Millis {
    Utc::now().timestamp_millis()
}
