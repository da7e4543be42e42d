//! Addresses, keys, certificates, trust, and the sealing of messages.
