//! The location service: signed records, the storing node, and the libp2p engine.
