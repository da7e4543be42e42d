//! XML-RPC: calls, responses and faults, read and written.
//!
//! The reader takes what the specification has and what its common implementations write (Python's `xmlrpc.client`,
//! Apache's for Java), and refuses everything else. What it refuses it names in fixed words, and never repeats.
//!
//! # Fault codes
//!
//! Those of the Specification for Fault Code Interoperability, and from -32000 on our own.
//!
//! | Code | Constant | When |
//! |---|---|---|
//! | -32700 | [`fault::PARSE`] | no well-formed XML, or with a document type declaration, a comment, a processing instruction, an unknown entity, or too deep |
//! | -32701 | [`fault::ENCODING`] | the XML declaration is for another encoding than UTF-8 |
//! | -32702 | [`fault::CHARACTER`] | no UTF-8, or a character that XML does not allow |
//! | -32600 | [`fault::NO_CALL`] | well-formed XML, but no methodCall of XML-RPC; a nil; arrays and structs nested more than 16 deep |
//! | -32601 | [`fault::METHOD`] | no such method |
//! | -32602 | [`fault::PARAMS`] | parameters of another number, type, form or length than the method takes |
//! | -32603 | [`fault::INTERNAL`] | the gateway could not do what it should be able to do |
//! | -32000 | [`fault::REFUSED`] | what was asked for is understood and refused, for instance by the nodes that should store |
//! | -32001 | [`fault::TOO_LARGE`] | the call is longer than the gateway takes |
//! | -32002 | [`fault::BUSY`] | too many calls at once from this address: try again later |
//! | -32003 | [`fault::UNAVAILABLE`] | the overlay does not answer in time, or cannot be reached: try again later |

pub mod fault;
mod read;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub use fault::Fault;
pub(crate) use read::base64;
pub use read::{DEPTH_LIMIT, MethodCall, ReadError, read_call, read_response};
pub use value::Value;
pub use write::{write_call, write_fault, write_response};
