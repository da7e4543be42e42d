//! The JavaScript side's types, written from the Rust ones.

use ts_rs::{Config, TS};

use super::{error::ErrorName, method::*, types::*};

const HEAD: &str = "\
// Written by the host's tests from native-host/corella/src/protocol/. Do not edit:
//     CORELLA_WRITE_TYPES=1 cargo test -p corella protocol::typescript

export type MessageState = \"pending\" | \"sent\" | \"stored\" | \"delivered\" | \"read\" | \"failed\" | \"received\";
export type Reason = \"offline\" | \"unknown\" | \"question\" | \"refused\" | \"too-large\" | \"blocked\" | \"waiting\";
export type Address = string;
export type Time = number;
export type Trust = \"verified\" | \"pinned\" | \"unverified\" | \"plain\";
export type EnrolmentState = \"asking\" | \"unreachable\" | \"limited\" | \"mail-delayed\" | \"letter-later\" | \"letter-coming\" | \"letter-slow\" | \"answering\" | \"no-mailbox\" | \"refused\";
export type Consent = \"buddy\" | \"request\" | \"blocked\";
export type KnownHow = \"authority\" | \"fingerprint\" | \"invitation\" | \"first\" | \"device\";
export type InvitationState = \"sent\" | \"offered\" | \"answered\";
export type InvitationOutcome = \"offered\" | \"accepted\" | \"known\" | \"refused\";
export type InvitationRefusal = \"unreadable\" | \"bad-signature\" | \"other-sender\" | \"other-recipient\" | \"expired\" | \"unknown\" | \"other-key\";
export type Side = \"addon\" | \"host\";
";

const TAIL: &str = "
export type Welcome = HelloResult;

/** Every method: its parameters and its result. */
export type Methods = {
  \"hello\": { params: HelloParams; result: HelloResult };
  \"status\": { params: NoParams; result: Status };
  \"identity/list\": { params: NoParams; result: IdentitiesResult };
  \"identity/enrol\": { params: EnrolParams; result: Identity };
  \"identity/import\": { params: ImportParams; result: Identity };
  \"identity/importFile\": { params: ImportFileParams; result: Identity };
  \"identity/export\": { params: ExportParams; result: ExportResult };
  \"identity/fetch\": { params: FetchParams; result: Identity };
  \"identity/revoke\": { params: AddressParams; result: Identity };
  \"identity/letter\": { params: LetterParams; result: LetterResult };
  \"authorities/list\": { params: NoParams; result: AuthoritiesResult };
  \"authorities/inspect\": { params: AuthorityFileParams; result: AuthoritiesResult };
  \"authorities/add\": { params: AuthorityAddParams; result: AuthoritiesResult };
  \"authorities/remove\": { params: AuthorityParams; result: AuthoritiesResult };
  \"invitations/write\": { params: InvitationWriteParams; result: InvitationMail };
  \"invitations/read\": { params: InvitationReadParams; result: InvitationResult };
  \"invitations/accept\": { params: AddressParams; result: InvitationMail };
  \"invitations/decline\": { params: AddressParams; result: Empty };
  \"roaming/open\": { params: RoamingOpenParams; result: RoamingResult };
  \"roaming/close\": { params: RoamingCloseParams; result: Empty };
  \"messages/send\": { params: SendParams; result: SentResult };
  \"messages/list\": { params: ListParams; result: ListResult };
  \"messages/conversations\": { params: ConversationsParams; result: ConversationsResult };
  \"messages/search\": { params: SearchParams; result: SearchResult };
  \"messages/markRead\": { params: MarkReadParams; result: Empty };
  \"messages/retry\": { params: RetryParams; result: SentResult };
  \"buddies/list\": { params: NoParams; result: BuddiesResult };
  \"buddies/add\": { params: AddParams; result: Buddy };
  \"buddies/accept\": { params: AcceptParams; result: Buddy };
  \"buddies/block\": { params: AddressParams; result: Buddy };
  \"buddies/remove\": { params: AddressParams; result: Buddy };
  \"presence/set\": { params: PresenceParams; result: Empty };
  \"settings/list\": { params: NoParams; result: SettingsResult };
  \"settings/set\": { params: SettingParams; result: Empty };
};

/** Every notification: its parameters. */
export type Notifications = {
  \"messages/changed\": { message: Message };
  \"messages/dropped\": { with: Address };
  \"buddies/changed\": { address: Address; buddy?: Buddy };
  \"presence/changed\": { address: Address; status: Presence; note?: string };
  \"status/changed\": Status;
  \"identity/changed\": { identity: Identity };
  \"identity/lettersWanted\": { address: Address };
  \"settings/changed\": { name: string; value: string };
  \"notice\": { kind: \"key-renewed\" | \"new-device\"; address?: Address; device?: string; at?: number };
};

export type ErrorData = { name: ErrorName; side?: Side; addon?: string; host?: string; detail?: string };
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
    declare!(
        Presence,
        Direction,
        Message,
        Candidate,
        Question,
        KnownBy,
        Buddy,
        Authority,
        InvitationMail,
        Enrolment,
        Identity,
        Status,
        Hit,
        Conversation
    );
    declare!(
        NoParams,
        HelloParams,
        EnrolParams,
        ImportParams,
        ImportFileParams,
        ExportParams,
        FetchParams,
        LetterParams,
        RoamingOpenParams,
        RoamingCloseParams,
        SendParams,
        ListParams,
        ConversationsParams,
        SearchParams,
        MarkReadParams
    );
    declare!(
        AuthorityFileParams,
        AuthorityAddParams,
        AuthorityParams,
        InvitationWriteParams,
        InvitationReadParams,
        SettingParams,
        RetryParams,
        AddParams,
        AcceptParams,
        AddressParams,
        PresenceParams
    );
    declare!(
        HelloResult,
        IdentitiesResult,
        ExportResult,
        LetterResult,
        AuthoritiesResult,
        InvitationResult,
        RoamingResult,
        SettingsResult,
        SentResult,
        ListResult,
        ConversationsResult,
        BuddiesResult,
        Empty,
        SearchResult
    );
    let names: Vec<String> = ErrorName::ALL
        .iter()
        .map(|name| format!("\"{}\"", name.as_str()))
        .collect();
    text.push_str(&format!("\nexport type ErrorName = {};\n", names.join(" | ")));
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
