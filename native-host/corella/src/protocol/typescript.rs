//! The JavaScript side's types, written from the Rust ones.

use ts_rs::{Config, TS};

use super::{method::*, types::*};

const HEAD: &str = "\
// Written by the host's tests from native-host/corella/src/protocol/. Do not edit:
//     CORELLA_WRITE_TYPES=1 cargo test -p corella protocol::typescript

export type State = \"pending\" | \"sent\" | \"stored\" | \"delivered\" | \"read\" | \"failed\" | \"received\";
export type Reason = \"offline\" | \"unknown\" | \"question\" | \"refused\" | \"too-large\" | \"blocked\" | \"waiting\";
export type Trust = \"verified\" | \"pinned\" | \"unverified\" | \"plain\";
export type Consent = \"buddy\" | \"request\" | \"blocked\";
";

const TAIL: &str = "
/** Every method: its parameters and its result. */
export interface Methods {
  \"hello\": [HelloParams, HelloResult];
  \"status\": [NoParams, Status];
  \"identity/list\": [NoParams, IdentitiesResult];
  \"identity/enrol\": [EnrolParams, Identity];
  \"identity/import\": [ImportParams, Identity];
  \"messages/send\": [SendParams, SentResult];
  \"messages/list\": [ListParams, ListResult];
  \"messages/conversations\": [NoParams, ConversationsResult];
  \"messages/search\": [SearchParams, SearchResult];
  \"messages/markRead\": [MarkReadParams, Empty];
  \"messages/retry\": [RetryParams, SentResult];
  \"buddies/list\": [NoParams, BuddiesResult];
  \"buddies/add\": [AddParams, Buddy];
  \"buddies/accept\": [AcceptParams, Buddy];
  \"buddies/block\": [AddressParams, Buddy];
  \"buddies/remove\": [AddressParams, Buddy];
  \"presence/set\": [PresenceParams, Empty];
}

/** Every notification: its parameters. */
export interface Notifications {
  \"messages/changed\": { message: Message };
  \"buddies/changed\": { address: string; buddy?: Buddy };
  \"presence/changed\": { address: string; status: Presence; note?: string };
  \"status/changed\": Status;
  \"notice\": { kind: \"key-renewed\" | \"slow-store\"; address?: string };
}
";

/// The whole of `protocol.d.ts`.
pub(crate) fn declarations() -> String {
    let config = Config::default();
    let mut text = HEAD.to_owned();
    macro_rules! declare {
        ($($ty:ty),* $(,)?) => {$(
            text.push_str("\nexport ");
            text.push_str(&<$ty as TS>::decl(&config));
            text.push('\n');
        )*};
    }
    declare!(Presence, Direction, Message, Candidate, Question, Buddy, Identity, Status, Hit, Conversation);
    declare!(NoParams, HelloParams, EnrolParams, ImportParams, SendParams, ListParams, SearchParams, MarkReadParams);
    declare!(RetryParams, AddParams, AcceptParams, AddressParams, PresenceParams);
    declare!(HelloResult, IdentitiesResult, SentResult, ListResult, ConversationsResult, BuddiesResult, Empty, SearchResult);
    text.push_str(TAIL);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_add_on_has_the_types_of_this_host() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../extension/src/protocol.d.ts");
        let wanted = declarations();
        if std::env::var_os("CORELLA_WRITE_TYPES").is_some() {
            std::fs::write(path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == wanted,
            "extension/src/protocol.d.ts has drifted; run CORELLA_WRITE_TYPES=1 cargo test -p corella protocol::typescript"
        );
    }

    #[test]
    fn every_method_and_notification_stands_in_the_contract() {
        let contract = include_str!("../../../PROTOCOL.md");
        for line in TAIL.lines() {
            if let Some(name) = line.trim().strip_prefix('"').and_then(|l| l.split('"').next()) {
                assert!(contract.contains(&format!("`{name}`")), "PROTOCOL.md lacks {name}");
            }
        }
    }
}
