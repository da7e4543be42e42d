// Written by the host's tests from native-host/corella/src/protocol/. Do not edit:
//     CORELLA_WRITE_TYPES=1 cargo test -p corella protocol::typescript

export type MessageState = "pending" | "sent" | "stored" | "delivered" | "read" | "failed" | "received";
export type Reason = "offline" | "unknown" | "question" | "refused" | "too-large" | "blocked" | "waiting";
export type Address = string;
export type Time = number;
export type Trust = "verified" | "pinned" | "unverified" | "plain";
export type EnrolmentState = "asking" | "unreachable" | "limited" | "mail-delayed" | "letter-later" | "letter-coming" | "letter-slow" | "answering" | "no-mailbox" | "refused";
export type Consent = "buddy" | "request" | "blocked";
export type KnownHow = "authority" | "fingerprint" | "invitation" | "first" | "device";
export type InvitationState = "sent" | "offered" | "answered";
export type InvitationOutcome = "offered" | "accepted" | "known" | "refused";
export type InvitationRefusal = "unreadable" | "bad-signature" | "other-sender" | "other-recipient" | "expired" | "unknown" | "other-key";
export type Side = "addon" | "host";

export type Presence = "online" | "away" | "busy" | "offline";

export type Direction = "in" | "out";

export type Message = { 
/**
 * The Message-ID, unique in the conversation.
 */
id: string, 
/**
 * Which of the user's own addresses.
 */
own: string, 
/**
 * The other side.
 */
with: string, 
/**
 * `in` or `out`.
 */
direction: Direction, 
/**
 * Plain text.
 */
text: string, 
/**
 * When its author sent it.
 */
at: number, 
/**
 * The author's count in this conversation.
 */
sequence: number, 
/**
 * How far it got.
 */
state: MessageState, 
/**
 * Why it waits or failed.
 */
reason?: Reason, 
/**
 * How the peer's key was known.
 */
trust: Trust, 
/**
 * Signed and encrypted end to end.
 */
sealed: boolean, 
/**
 * Waits for the user's consent.
 */
request: boolean, };

export type Candidate = { 
/**
 * SHA-256 of its certificate.
 */
fingerprint: string, 
/**
 * SHA-256 of the key itself.
 */
key: string, 
/**
 * How it is known.
 */
trust: Trust, };

export type Question = { 
/**
 * `several` keys claim the address, or it `changed`.
 */
kind: "several" | "changed", 
/**
 * The keys to choose from.
 */
candidates: Array<Candidate>, };

export type KnownBy = { 
/**
 * What makes it known.
 */
how: KnownHow, 
/**
 * The name of the authority that vouches for it.
 */
authority?: string, 
/**
 * Since when.
 */
since: number, };

export type Buddy = { 
/**
 * Who.
 */
address: string, 
/**
 * As given to `buddies/add`.
 */
name?: string, 
/**
 * Whether the user wants to hear from them.
 */
consent: Consent, 
/**
 * Their status.
 */
status: Presence, 
/**
 * Their own words beside it.
 */
note?: string, 
/**
 * How their key is known; absent until one is.
 */
trust?: Trust, 
/**
 * SHA-256 of their certificate.
 */
fingerprint?: string, 
/**
 * SHA-256 of their public key: what people compare.
 */
key?: string, 
/**
 * How that key came to be known.
 */
known?: KnownBy, 
/**
 * How far an invitation by mail is.
 */
invitation?: InvitationState, 
/**
 * Messages not read yet.
 */
unread: number, 
/**
 * What the user must decide before anything is sent.
 */
question?: Question, };

export type Authority = { 
/**
 * As its certificate names it.
 */
name: string, 
/**
 * SHA-256 of its certificate.
 */
fingerprint: string, 
/**
 * When its certificate ends.
 */
expires: number, 
/**
 * Whether the user added it, and can take it away; else it is configured.
 */
added: boolean, };

export type InvitationMail = { 
/**
 * The own address that it must be sent from.
 */
from: string, 
/**
 * The only one that it may be sent to.
 */
to: string, 
/**
 * The attachment's name.
 */
name: string, 
/**
 * Its media type.
 */
mediaType: string, 
/**
 * Its text, in ASCII.
 */
content: string, };

export type Enrolment = { 
/**
 * How far it is.
 */
state: EnrolmentState, 
/**
 * With `refused`: the authority's name for why.
 */
reason?: string, 
/**
 * With `letter-later`: when.
 */
at?: number, };

export type Identity = { 
/**
 * The address.
 */
address: string, 
/**
 * SHA-256 of the certificate.
 */
fingerprint: string, 
/**
 * SHA-256 of the public key: what people compare.
 */
key: string, 
/**
 * The name of the authority that vouches for it, or of what issued it if none is trusted; `self`: its own key did.
 */
issuer: string, 
/**
 * As a peer who trusts the same authorities would see it.
 */
trust: Trust, 
/**
 * When the certificate ends.
 */
expires: number, 
/**
 * This device's libp2p peer id.
 */
peer: string, 
/**
 * Whether buddy list and status are kept for the user's other devices (`roaming/open`).
 */
roaming: boolean, 
/**
 * Whether the credential is kept with them: a new device gets it with the address and the secret (`identity/fetch`).
 */
portable: boolean, 
/**
 * Whether it was revoked: the address is off line until it is enrolled anew.
 */
revoked: boolean, 
/**
 * How far a certificate from the authority is, while one is on its way.
 */
enrolment?: Enrolment, };

export type Status = { 
/**
 * The host's version.
 */
version: string, 
/**
 * Listeners are bound, and a bootstrap peer has answered if any were given, or others are there and none has for five seconds.
 */
online: boolean, 
/**
 * This device's libp2p peer id; empty before the first identity.
 */
peer: string, 
/**
 * Multiaddrs with `/p2p/…`.
 */
listen: Array<string>, 
/**
 * Overlay peers connected.
 */
peers: number, 
/**
 * Listeners for plain SIP, `host:port`.
 */
sip: Array<string>, 
/**
 * Of a node: where its gateway listens, `host:port`.
 */
gateway?: string, 
/**
 * The user's own addresses.
 */
addresses: Array<string>, 
/**
 * The user's own status.
 */
presence: Presence, 
/**
 * The user's own words beside it.
 */
note?: string, };

export type Hit = { 
/**
 * The Message-ID.
 */
id: string, 
/**
 * The other side.
 */
with: string, 
/**
 * Who wrote it.
 */
direction: Direction, 
/**
 * When.
 */
at: number, 
/**
 * Plain text around the best match.
 */
snippet: string, 
/**
 * Ranges in it that matched, in UTF-16 code units.
 */
marks: Array<[number, number]>, };

export type Conversation = { 
/**
 * The other side.
 */
with: string, 
/**
 * The latest message; of its text, the beginning.
 */
last: Message, 
/**
 * Messages not read yet.
 */
unread: number, };

export type NoParams = Record<symbol, never>;

export type HelloParams = { 
/**
 * The caller's name.
 */
client: string, 
/**
 * The caller's version, `major.minor.patch`.
 */
version: string, 
/**
 * The random id of the Thunderbird profile.
 */
profile?: string, };

export type EnrolParams = { 
/**
 * The address to go on line with.
 */
address: string, 
/**
 * Whether the authority is to revoke the certificates of all other keys of the address.
 */
revokeOthers?: boolean, };

export type ImportParams = { 
/**
 * The address that the certificate is for.
 */
address: string, 
/**
 * PEM, leaf first.
 */
certificate: string, 
/**
 * PEM.
 */
key: string, };

export type ImportFileParams = { 
/**
 * The address that the certificate is for.
 */
address: string, 
/**
 * PKCS #12, in base64.
 */
file: string, 
/**
 * What opens it.
 */
passphrase: string, };

export type ExportParams = { 
/**
 * Whose certificate and key.
 */
address: string, 
/**
 * What the file is to be opened with.
 */
passphrase: string, };

export type FetchParams = { 
/**
 * The address of the identity.
 */
address: string, 
/**
 * Under which another device keeps it.
 */
secret: string, };

export type LetterParams = { 
/**
 * The plain text of a mail.
 */
text: string, };

export type RoamingOpenParams = { 
/**
 * Of which own address; with several, the first one if none is named.
 */
address?: string, 
/**
 * Known only to the user.
 */
secret: string, 
/**
 * Whether something may be begun under this secret if there is nothing yet.
 */
create?: boolean, 
/**
 * Whether the credential is to be kept, too.
 */
credential?: boolean, };

export type RoamingCloseParams = { 
/**
 * Of which own address.
 */
address?: string, };

export type SendParams = { 
/**
 * To whom.
 */
to: string, 
/**
 * Plain text.
 */
text: string, 
/**
 * Which own address.
 */
from?: string, };

export type ListParams = { 
/**
 * The other side.
 */
with: string, 
/**
 * Messages before this one.
 */
before?: string, 
/**
 * Messages on both sides of this one.
 */
around?: string, 
/**
 * At most so many.
 */
limit?: number, };

export type ConversationsParams = { 
/**
 * Those behind this one in the list.
 */
after?: string, };

export type SearchParams = { 
/**
 * In the query language.
 */
query: string, 
/**
 * At most so many.
 */
limit?: number, 
/**
 * Where the last page ended.
 */
cursor?: string, };

export type MarkReadParams = { 
/**
 * The other side.
 */
with: string, 
/**
 * Up to and with this one.
 */
upTo: string, };

export type AuthorityFileParams = { 
/**
 * PEM, or DER in base64.
 */
file: string, };

export type AuthorityAddParams = { 
/**
 * PEM, or DER in base64.
 */
file: string, 
/**
 * Which of those in it.
 */
fingerprint: string, };

export type AuthorityParams = { 
/**
 * Which.
 */
fingerprint: string, };

export type InvitationWriteParams = { 
/**
 * Whom to invite.
 */
to: string, 
/**
 * From which own address.
 */
from?: string, };

export type InvitationReadParams = { 
/**
 * The address in the mail's From.
 */
from: string, 
/**
 * The text of its attachment.
 */
content: string, 
/**
 * The user has opened the mail: whoever invites is offered, however many others wait.
 */
opened?: boolean, };

export type SettingParams = { 
/**
 * 1 to 64 letters.
 */
name: string, 
/**
 * At most 1,000 bytes.
 */
value: string, };

export type RetryParams = { 
/**
 * The other side.
 */
with: string, 
/**
 * The failed message.
 */
id: string, };

export type AddParams = { 
/**
 * Whom.
 */
address: string, 
/**
 * What the user calls them.
 */
name?: string, };

export type AcceptParams = { 
/**
 * Whom.
 */
address: string, 
/**
 * The key, to answer a question.
 */
fingerprint?: string, };

export type AddressParams = { 
/**
 * Whom.
 */
address: string, };

export type PresenceParams = { 
/**
 * The status.
 */
status: Presence, 
/**
 * Words beside it.
 */
note?: string, };

export type HelloResult = { 
/**
 * The host's version.
 */
version: string, 
/**
 * Of the protocol.
 */
protocol: number, 
/**
 * Own addresses.
 */
addresses: Array<string>, };

export type IdentitiesResult = { 
/**
 * All of them.
 */
identities: Array<Identity>, };

export type ExportResult = { 
/**
 * PKCS #12, in base64.
 */
file: string, };

export type LetterResult = { 
/**
 * Whether it was the letter that was waited for.
 */
taken: boolean, };

export type AuthoritiesResult = { 
/**
 * All of them.
 */
authorities: Array<Authority>, };

export type InvitationResult = { 
/**
 * What the mail was.
 */
outcome: InvitationOutcome, 
/**
 * From whom, unless it was refused.
 */
address?: string, 
/**
 * Why it was refused.
 */
reason?: InvitationRefusal, };

export type RoamingResult = { 
/**
 * The own address.
 */
address: string, 
/**
 * How many other devices had kept something under this secret.
 */
devices: number, 
/**
 * How many people are kept, buddies and blocked.
 */
people: number, };

export type SettingsResult = { 
/**
 * By name.
 */
settings: { [key in string]: string }, };

export type SentResult = { 
/**
 * The Message-ID.
 */
id: string, 
/**
 * `pending`.
 */
state: string, };

export type ListResult = { 
/**
 * Oldest first.
 */
messages: Array<Message>, 
/**
 * Older ones exist.
 */
more: boolean, };

export type ConversationsResult = { 
/**
 * Latest first.
 */
conversations: Array<Conversation>, 
/**
 * Whether there are older ones.
 */
more: boolean, };

export type BuddiesResult = { 
/**
 * All of them.
 */
buddies: Array<Buddy>, };

export type Empty = Record<symbol, never>;

export type SearchResult = { 
/**
 * How many match in all.
 */
total: number, 
/**
 * Best first.
 */
hits: Array<Hit>, 
/**
 * For the next page.
 */
cursor?: string, };

export type ErrorName = "parse-error" | "invalid-request" | "unknown-method" | "invalid-params" | "internal" | "hello-first" | "version-mismatch" | "no-identity" | "invalid-address" | "unknown-buddy" | "blocked" | "bad-text" | "unknown-message" | "bad-query" | "store" | "in-use" | "bad-certificate" | "bad-frame" | "network" | "short-secret" | "wrong-secret" | "not-online" | "list-too-long" | "wrong-passphrase" | "no-invitation";

export type Welcome = HelloResult;

/** Every method: its parameters and its result. */
export type Methods = {
  "hello": { params: HelloParams; result: HelloResult };
  "status": { params: NoParams; result: Status };
  "identity/list": { params: NoParams; result: IdentitiesResult };
  "identity/enrol": { params: EnrolParams; result: Identity };
  "identity/import": { params: ImportParams; result: Identity };
  "identity/importFile": { params: ImportFileParams; result: Identity };
  "identity/export": { params: ExportParams; result: ExportResult };
  "identity/fetch": { params: FetchParams; result: Identity };
  "identity/revoke": { params: AddressParams; result: Identity };
  "identity/letter": { params: LetterParams; result: LetterResult };
  "authorities/list": { params: NoParams; result: AuthoritiesResult };
  "authorities/inspect": { params: AuthorityFileParams; result: AuthoritiesResult };
  "authorities/add": { params: AuthorityAddParams; result: AuthoritiesResult };
  "authorities/remove": { params: AuthorityParams; result: AuthoritiesResult };
  "invitations/write": { params: InvitationWriteParams; result: InvitationMail };
  "invitations/read": { params: InvitationReadParams; result: InvitationResult };
  "invitations/accept": { params: AddressParams; result: InvitationMail };
  "invitations/decline": { params: AddressParams; result: Empty };
  "roaming/open": { params: RoamingOpenParams; result: RoamingResult };
  "roaming/close": { params: RoamingCloseParams; result: Empty };
  "messages/send": { params: SendParams; result: SentResult };
  "messages/list": { params: ListParams; result: ListResult };
  "messages/conversations": { params: ConversationsParams; result: ConversationsResult };
  "messages/search": { params: SearchParams; result: SearchResult };
  "messages/markRead": { params: MarkReadParams; result: Empty };
  "messages/retry": { params: RetryParams; result: SentResult };
  "buddies/list": { params: NoParams; result: BuddiesResult };
  "buddies/add": { params: AddParams; result: Buddy };
  "buddies/accept": { params: AcceptParams; result: Buddy };
  "buddies/block": { params: AddressParams; result: Buddy };
  "buddies/remove": { params: AddressParams; result: Buddy };
  "presence/set": { params: PresenceParams; result: Empty };
  "settings/list": { params: NoParams; result: SettingsResult };
  "settings/set": { params: SettingParams; result: Empty };
};

/** Every notification: its parameters. */
export type Notifications = {
  "messages/changed": { message: Message };
  "messages/dropped": { with: Address };
  "buddies/changed": { address: Address; buddy?: Buddy };
  "presence/changed": { address: Address; status: Presence; note?: string };
  "status/changed": Status;
  "identity/changed": { identity: Identity };
  "identity/lettersWanted": { address: Address };
  "settings/changed": { name: string; value: string };
  "notice": { kind: "key-renewed" | "new-device"; address?: Address; device?: string; at?: number };
};

export type ErrorData = { name: ErrorName; side?: Side; addon?: string; host?: string; detail?: string };
