//! The application core: buddies, conversations, delivery, presence. No clock, no I/O.
