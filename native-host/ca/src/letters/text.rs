//! What the letters say: first to a person, then to Corella.

use corella_identity::Certificate;
use corella_identity::enrolment::{Tag, Token, write_block};

use crate::authority::Authority;
use crate::register::{Contents, Letter};

/// The header field by which the add-on recognises letters without reading them.
pub(super) const HEADER: &str = "Corella-Certificate";

/// A letter in words.
#[derive(Debug)]
pub struct Message {
    /// To which address.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// The value of the header field [`HEADER`].
    pub kind: &'static str,
    /// Its text, in lines of at most 78 characters.
    pub text: String,
    /// An attachment: its name and bytes.
    pub attachment: Option<(&'static str, Vec<u8>)>,
}

/// Writes a letter of an authority. `name` is what people call it, `url` where they read about it.
pub fn message(letter: &Letter, authority: &Authority, name: &str, url: &str) -> Message {
    let to = letter.to.as_str();
    match &letter.contents {
        Contents::Tokens(tokens) => Message {
            to: to.to_owned(),
            subject: "Your certificate for Corella".to_owned(),
            kind: "token",
            text: tokens_text(to, tokens, name, url),
            attachment: None,
        },
        Contents::Certificate(certificate) => Message {
            to: to.to_owned(),
            subject: "Your certificate for Corella, to keep".to_owned(),
            kind: "certificate",
            text: certificate_text(to, certificate, name, url),
            attachment: Some((
                "certificate.pem",
                pem(certificate, &authority.chain_of(certificate)).into_bytes(),
            )),
        },
    }
}

/// The certificate and what is above it.
pub fn pem(certificate: &Certificate, chain: &[&Certificate]) -> String {
    std::iter::once(certificate)
        .chain(chain.iter().copied())
        .map(Certificate::to_pem)
        .collect()
}

fn tokens_text(to: &str, tokens: &[(Tag, Token)], name: &str, url: &str) -> String {
    let times = match tokens.len() {
        1 => "Somebody asked".to_owned(),
        several => format!("{several} times somebody asked"),
    };
    format!(
        "Hello,

{times} for a certificate with which the address
{to}
chats and calls with Corella.

If that was you: there is nothing to do. Corella in Thunderbird recognises
this letter by itself, and you are on line in a moment.

If it was not you: do nothing. Without this letter nobody gets a certificate
for your address, and what is in it is worth nothing after a day.

{name}
{url}

What follows is for Corella.

{}",
        write_block(tokens)
    )
}

fn certificate_text(to: &str, certificate: &Certificate, name: &str, url: &str) -> String {
    let until = chrono::DateTime::from_timestamp_millis(certificate.not_after())
        .map_or_else(String::new, |until| until.format("%Y-%m-%d").to_string());
    let fingerprint = certificate.fingerprint().to_string();
    let (first, second) = fingerprint.split_at_checked(32).unwrap_or((&fingerprint, ""));
    format!(
        "Hello,

attached is the certificate for the address
{to}
It is good until {until} and has the fingerprint
{first}
{second}

There is nothing to do: Corella in Thunderbird has it already, and renews it.
It is no secret. Keep this letter if you like, or throw it away.

If you did not ask for a certificate, somebody else reads your mail: change
the password of your mail account, then have the certificate revoked:
{url}

{name}
"
    )
}
