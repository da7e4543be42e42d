//! A laboratory for the overlay: networks of real nodes on loopback addresses, in one process, measured and attacked.
//!
//! The overlay is used as any other program would use it. What the laboratory needs of it is in [`node`], [`records`],
//! [`liar`] and [`capacity`], and nowhere else.

#![forbid(unsafe_code)]

pub mod attack;
pub mod capacity;
pub mod compare;
mod error;
pub mod faults;
pub mod figures;
pub mod host;
pub mod liar;
pub mod network;
pub mod node;
pub mod plot;
pub mod records;
pub mod verifying;
pub mod workload;
pub mod yardstick;

pub use error::LabError;
