//! Real nodes on the loopback interface, in one process or, where a process must die, in several.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "these are tests: a panic is how they fail"
)]

mod child;
mod faults;
mod hostile;
mod liars;
mod links;
mod meeting;
mod records;
mod service;
mod world;
