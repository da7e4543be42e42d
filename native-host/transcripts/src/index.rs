//! The search index: derived from the truth, lost without harm.
//!
//! [`indexer`] follows the table of messages and writes the index, [`background`] runs it in a thread of its own, [`search`]
//! answers queries. [`directory`] is where the files are, [`fields`] what is in them.

pub(crate) mod background;
mod building;
pub(crate) mod cursor;
mod directory;
mod fields;
pub(crate) mod follower;
pub(crate) mod indexer;
mod plan;
mod ranking;
pub(crate) mod search;
mod steady;

#[cfg(test)]
mod tests;
