//! The peer-to-peer SIP agent that Thunderbird starts: the bridge, the runtime and the commands.
fn main() {}
