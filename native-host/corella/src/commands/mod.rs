//! What the program can be started as.

pub(crate) mod agent;
pub(crate) mod bridge;
pub(crate) mod doctor;
pub(crate) mod echo;
pub(crate) mod install;
pub(crate) mod node;
pub(crate) mod search;
mod serve;
