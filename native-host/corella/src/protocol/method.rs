//! The methods' parameters and results. Unknown parameters are refused, so that a misspelt one is not silently nothing.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::types::{Authority, Buddy, Conversation, Hit, Identity, Message, Presence, Secret};

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty $(= $ts:literal)?),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize, TS)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[ts(optional_fields)]
        pub(crate) struct $name { $($(#[$fdoc])* $(#[ts(type = $ts)])? pub $field: $ty),* }
    )*};
}

macro_rules! results {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, TS)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name { $($(#[$fdoc])* pub $field: $ty),* }
    )*};
}

params! {
    /// `hello`.
    HelloParams {
        /// The caller's name.
        client: String,
        /// The caller's version, `major.minor.patch`.
        version: String,
        /// The random id of the Thunderbird profile.
        profile: Option<String>,
    }
    /// Methods without parameters.
    NoParams {}
    /// `identity/enrol`.
    EnrolParams {
        /// The address to go on line with.
        address: String,
        /// Whether the authority is to revoke the certificates of all other keys of the address.
        revoke_others: Option<bool>,
    }
    /// `identity/import`.
    ImportParams {
        /// The address that the certificate is for.
        address: String,
        /// PEM, leaf first.
        certificate: String,
        /// PEM.
        key: String,
    }
    /// `identity/importFile`.
    ImportFileParams {
        /// The address that the certificate is for.
        address: String,
        /// PKCS #12, in base64.
        file: Secret = "string",
        /// What opens it.
        passphrase: Secret = "string",
    }
    /// `identity/export`.
    ExportParams {
        /// Whose certificate and key.
        address: String,
        /// What the file is to be opened with.
        passphrase: Secret = "string",
    }
    /// `identity/fetch`.
    FetchParams {
        /// The address of the identity.
        address: String,
        /// Under which another device keeps it.
        secret: Secret = "string",
    }
    /// `identity/letter`.
    LetterParams {
        /// The plain text of a mail.
        text: String,
    }
    /// `roaming/open`.
    RoamingOpenParams {
        /// Of which own address; with several, the first one if none is named.
        address: Option<String>,
        /// Known only to the user.
        secret: Secret = "string",
        /// Whether something may be begun under this secret if there is nothing yet.
        create: Option<bool>,
        /// Whether the credential is to be kept, too.
        credential: Option<bool>,
    }
    /// `roaming/close`.
    RoamingCloseParams {
        /// Of which own address.
        address: Option<String>,
    }
    /// `messages/send`.
    SendParams {
        /// To whom.
        to: String,
        /// Plain text.
        text: String,
        /// Which own address.
        from: Option<String>,
    }
    /// `messages/list`.
    ListParams {
        /// The other side.
        with: String,
        /// Messages before this one.
        before: Option<String>,
        /// Messages on both sides of this one.
        around: Option<String>,
        /// At most so many.
        limit: Option<u32>,
    }
    /// `messages/conversations`.
    ConversationsParams {
        /// Those behind this one in the list.
        after: Option<String>,
    }
    /// `messages/search`.
    SearchParams {
        /// In the query language.
        query: String,
        /// At most so many.
        limit: Option<u32>,
        /// Where the last page ended.
        cursor: Option<String>,
    }
    /// `messages/markRead`.
    MarkReadParams {
        /// The other side.
        with: String,
        /// Up to and with this one.
        up_to: String,
    }
    /// `messages/retry`.
    RetryParams {
        /// The other side.
        with: String,
        /// The failed message.
        id: String,
    }
    /// `buddies/add`.
    AddParams {
        /// Whom.
        address: String,
        /// What the user calls them.
        name: Option<String>,
    }
    /// `buddies/accept`.
    AcceptParams {
        /// Whom.
        address: String,
        /// The key, to answer a question.
        fingerprint: Option<String>,
    }
    /// `buddies/block`, `buddies/remove`.
    AddressParams {
        /// Whom.
        address: String,
    }
    /// `authorities/inspect`.
    AuthorityFileParams {
        /// PEM, or DER in base64.
        file: String,
    }
    /// `authorities/add`.
    AuthorityAddParams {
        /// PEM, or DER in base64.
        file: String,
        /// Which of those in it.
        fingerprint: String,
    }
    /// `authorities/remove`.
    AuthorityParams {
        /// Which.
        fingerprint: String,
    }
    /// `invitations/write`.
    InvitationWriteParams {
        /// Whom to invite.
        to: String,
        /// From which own address.
        from: Option<String>,
    }
    /// `invitations/read`.
    InvitationReadParams {
        /// The address in the mail's From.
        from: String,
        /// The text of its attachment.
        content: String,
        /// The user has opened the mail: whoever invites is offered, however many others wait.
        #[serde(default)]
        #[ts(optional, as = "Option<bool>")]
        opened: bool,
    }
    /// `settings/set`.
    SettingParams {
        /// 1 to 64 letters.
        name: String,
        /// At most 1,000 bytes.
        value: String,
    }
    /// `presence/set`.
    PresenceParams {
        /// The status.
        status: Presence,
        /// Words beside it.
        note: Option<String>,
    }
}

results! {
    /// Of `hello`.
    HelloResult {
        /// The host's version.
        version: String,
        /// Of the protocol.
        protocol: u32,
        /// Own addresses.
        addresses: Vec<String>,
    }
    /// Of `identity/list`.
    IdentitiesResult {
        /// All of them.
        identities: Vec<Identity>,
    }
    /// Of `identity/export`.
    ExportResult {
        /// PKCS #12, in base64.
        file: String,
    }
    /// Of `identity/letter`.
    LetterResult {
        /// Whether it was the letter that was waited for.
        taken: bool,
    }
    /// Of `roaming/open`.
    RoamingResult {
        /// The own address.
        address: String,
        /// How many other devices had kept something under this secret.
        devices: u32,
        /// How many people are kept, buddies and blocked.
        people: u32,
    }
    /// Of the methods about authorities.
    AuthoritiesResult {
        /// All of them.
        authorities: Vec<Authority>,
    }
    /// Of `settings/list`.
    SettingsResult {
        /// By name.
        settings: std::collections::BTreeMap<String, String>,
    }
    /// Of `messages/send` and `messages/retry`.
    SentResult {
        /// The Message-ID.
        id: String,
        /// `pending`.
        state: String,
    }
    /// Of `messages/list`.
    ListResult {
        /// Oldest first.
        messages: Vec<Message>,
        /// Older ones exist.
        more: bool,
    }
    /// Of `messages/conversations`.
    ConversationsResult {
        /// Latest first.
        conversations: Vec<Conversation>,
        /// Whether there are older ones.
        more: bool,
    }
    /// Of `buddies/list`.
    BuddiesResult {
        /// All of them.
        buddies: Vec<Buddy>,
    }
    /// Of methods with nothing to tell.
    Empty {}
}

/// Of `invitations/read`.
#[derive(Debug, Serialize, TS)]
pub(crate) struct InvitationResult {
    /// What the mail was.
    #[ts(type = "InvitationOutcome")]
    pub outcome: &'static str,
    /// From whom, unless it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub address: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "InvitationRefusal")]
    pub reason: Option<&'static str>,
}

/// Of `messages/search`.
#[derive(Debug, Serialize, TS)]
pub(crate) struct SearchResult {
    /// How many match in all.
    #[ts(type = "number")]
    pub total: u64,
    /// Best first.
    pub hits: Vec<Hit>,
    /// For the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cursor: Option<String>,
}
