//! Hands letters to a mail server (RFC 6409: submission, with STARTTLS and authentication).

use std::path::PathBuf;
use std::time::Duration;

use corella_identity::enrolment::RequestId;
use lettre::address::AddressError;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, PoolConfig};
use lettre::{AsyncTransport, Tokio1Executor};
use serde::Deserialize;
use thiserror::Error;

use super::text::{HEADER, Message};
use crate::authority::{AuthorityError, read};

/// How long the mail server may take for one step.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections to the mail server, which are kept. Many more, and it would turn letters away for a while.
pub(crate) const CONNECTIONS: usize = 4;

/// Where letters go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// The mail server's name, which its certificate has to bear.
    pub host: String,
    /// Its port; 587 is usual.
    pub port: u16,
    /// Who sends: the address in From.
    pub from: String,
    /// The user's name, if the server asks for one.
    pub user: Option<String>,
    /// The file that holds the user's password.
    pub password_file: Option<PathBuf>,
    /// An authority to trust for the server's certificate beside the system's, in PEM.
    pub authority_file: Option<PathBuf>,
}

/// Why letters cannot be sent at all.
#[derive(Debug, Error)]
pub enum MailerError {
    /// The address in From.
    #[error("smtp.from is no mail address: {0}")]
    From(#[from] AddressError),
    /// A file.
    #[error(transparent)]
    File(#[from] AuthorityError),
    /// A user without a password, or a password without a user.
    #[error("smtp.user and smtp.password_file go together: set both or none")]
    HalfCredentials,
    /// The library does not take the settings.
    #[error("the mail server's settings cannot be used: {0}")]
    Settings(#[from] lettre::transport::smtp::Error),
    /// An attachment cannot be encoded.
    #[error("an attachment cannot be encoded for mail")]
    Attachment,
    /// No header can be made.
    #[error("a letter cannot be written: {0}")]
    Letter(#[from] lettre::error::Error),
    /// The system has no randomness.
    #[error("a letter cannot be named: {0}")]
    Library(#[from] openssl::error::ErrorStack),
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has it.
    Sent,
    /// It refuses, now and later; its code.
    Refused(String),
    /// It could not be reached, or refuses for now.
    Later(String),
}

/// Sends letters.
pub struct Mailer {
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Mailer {
    /// Prepares for a server; nothing is sent yet. `name` is the authority's.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub fn new(settings: &SmtpSettings, name: &str) -> Result<Self, MailerError> {
        let mut tls = TlsParameters::builder(settings.host.clone());
        if let Some(path) = &settings.authority_file {
            tls = tls.add_root_certificate(Certificate::from_pem(&read(path)?)?);
        }
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(Tls::Required(tls.build()?))
            .timeout(Some(PATIENCE))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS as u32));
        match (&settings.user, &settings.password_file) {
            (Some(user), Some(file)) => {
                let password = String::from_utf8_lossy(&read(file)?).trim_end().to_owned();
                transport = transport.credentials(Credentials::new(user.clone(), password));
            }
            (None, None) => {}
            _ => return Err(MailerError::HalfCredentials),
        }
        Ok(Self {
            from: Mailbox::new(Some(name.to_owned()), settings.from.parse()?),
            transport: transport.build(),
        })
    }

    /// Sends one letter.
    ///
    /// # Errors
    /// It cannot be written; that the server does not take it is an [`Outcome`].
    pub async fn send(&self, message: &Message) -> Result<Outcome, MailerError> {
        let letter = self.write(message)?;
        Ok(match self.transport.send(letter).await {
            Ok(_) => Outcome::Sent,
            Err(error) => {
                let why = error
                    .status()
                    .map_or_else(|| "no connection".to_owned(), |code| code.to_string());
                // What the server says of this one recipient or letter, and not of us.
                let of_recipient = error.status().is_some_and(|code| matches!(u16::from(code), 550..=554));
                if error.is_permanent() && of_recipient {
                    Outcome::Refused(why)
                } else {
                    Outcome::Later(why)
                }
            }
        })
    }

    fn write(&self, message: &Message) -> Result<lettre::Message, MailerError> {
        let kind = HeaderValue::new(HeaderName::new_from_ascii_str(HEADER), message.kind.to_owned());
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        );
        let id = format!("<{}@{}>", RequestId::new()?, self.from.email.domain());
        let letter = lettre::Message::builder()
            .message_id(Some(id))
            .from(self.from.clone())
            .to(Mailbox::new(None, message.to.parse()?))
            .subject(&message.subject)
            .raw_header(kind)
            .raw_header(automatic);
        let text = SinglePart::plain(message.text.clone());
        Ok(match &message.attachment {
            None => letter.singlepart(text)?,
            Some((name, bytes)) => {
                let pem = ContentType::parse("application/x-pem-file").unwrap_or(ContentType::TEXT_PLAIN);
                // As it is, its lines would end as no mail server takes them.
                let body = Body::new_with_encoding(bytes.clone(), ContentTransferEncoding::Base64);
                let body = body.map_err(|_| MailerError::Attachment)?;
                let attachment = Attachment::new((*name).to_owned()).body(body, pem);
                letter.multipart(MultiPart::mixed().singlepart(text).singlepart(attachment))?
            }
        })
    }
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailer")
    }
}
