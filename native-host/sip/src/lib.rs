//! The SIP user agent: guard, transport over peer streams, instant messages.

pub mod guard;
