//! The SIP user agent: guard, transport over peer streams, instant messages.
