//! The agent in virtual time: whole networks of agents without a clock, a socket or a disk.

mod authority;
mod delivery;
mod devices;
mod invitations;
mod keys;
mod passes;
mod people;
mod revoked;
mod roaming;
mod waiting;
mod watchers;
mod world;
