//! Real nodes on the loopback interface, in one process or, where a process must die, in several.

mod child;
mod faults;
mod liars;
mod links;
mod meeting;
mod records;
mod world;
