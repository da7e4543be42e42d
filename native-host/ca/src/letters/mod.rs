//! The letters that the authority writes.

mod post;
mod text;

pub(crate) use post::CONNECTIONS;
pub use post::{Mailer, Outcome, SmtpSettings};
pub use text::{message, pem};
