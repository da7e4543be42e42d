// What the add-on and the host say to each other; native-host/PROTOCOL.md explains it.

export type Address = string;
export type Time = number;
export type Trust = "verified" | "pinned" | "unverified" | "plain";
export type Presence = "online" | "away" | "busy" | "offline";
export type Direction = "in" | "out";
export type MessageState = "pending" | "sent" | "stored" | "delivered" | "read" | "failed" | "received";
export type Reason = "offline" | "unknown" | "question" | "refused" | "too-large" | "blocked" | "waiting";
export type Consent = "buddy" | "request" | "blocked";
export type Side = "addon" | "host";

export type Message = {
  id: string;
  own: Address;
  with: Address;
  direction: Direction;
  text: string;
  at: Time;
  sequence: number;
  state: MessageState;
  reason?: Reason;
  trust: Trust;
  sealed: boolean;
  request: boolean;
};

export type Candidate = { fingerprint: string; trust: Trust };
export type Question = { kind: "several" | "changed"; candidates: Candidate[] };

export type Buddy = {
  address: Address;
  name?: string;
  consent: Consent;
  status: Presence;
  note?: string;
  trust?: Trust;
  fingerprint?: string;
  unread: number;
  question?: Question;
};

export type Identity = {
  address: Address;
  fingerprint: string;
  issuer: string;
  trust: Trust;
  expires: Time;
  peer: string;
};

export type Status = {
  version: string;
  online: boolean;
  peer: string;
  listen: string[];
  peers: number;
  sip: string[];
  addresses: Address[];
  presence: Presence;
  note?: string;
};

export type Conversation = { with: Address; last: Message; unread: number };
export type Hit = {
  id: string;
  with: Address;
  direction: Direction;
  at: Time;
  snippet: string;
  marks: [number, number][];
};

export type Hello = { client: string; version: string; profile: string };
export type Welcome = { version: string; protocol: number; addresses: Address[] };
export type Sent = { id: string; state: MessageState };
export type Nothing = Record<string, never>;

export type Methods = {
  hello: { params: Hello; result: Welcome };
  status: { params: Nothing; result: Status };
  "identity/list": { params: Nothing; result: { identities: Identity[] } };
  "identity/enrol": { params: { address: Address }; result: Identity };
  "identity/import": { params: { address: Address; certificate: string; key: string }; result: Identity };
  "messages/send": { params: { to: Address; text: string; from?: Address }; result: Sent };
  "messages/list": {
    params: { with: Address; before?: string; around?: string; limit?: number };
    result: { messages: Message[]; more: boolean };
  };
  "messages/conversations": { params: Nothing; result: { conversations: Conversation[] } };
  "messages/search": {
    params: { query: string; limit?: number; cursor?: string };
    result: { total: number; hits: Hit[]; cursor?: string };
  };
  "messages/markRead": { params: { with: Address; upTo: string }; result: Nothing };
  "messages/retry": { params: { with: Address; id: string }; result: Sent };
  "buddies/list": { params: Nothing; result: { buddies: Buddy[] } };
  "buddies/add": { params: { address: Address; name?: string }; result: Buddy };
  "buddies/accept": { params: { address: Address; fingerprint?: string }; result: Buddy };
  "buddies/block": { params: { address: Address }; result: Buddy };
  "buddies/remove": { params: { address: Address }; result: Buddy };
  "presence/set": { params: { status: Presence; note?: string }; result: Nothing };
};

export type Notifications = {
  "messages/changed": { message: Message };
  "buddies/changed": { address: Address; buddy?: Buddy };
  "presence/changed": { address: Address; status: Presence; note?: string };
  "status/changed": Status;
  notice: { kind: "key-renewed" | "slow-store"; address?: Address; detail?: string };
};

export type ErrorName =
  | "parse-error"
  | "invalid-request"
  | "unknown-method"
  | "invalid-params"
  | "internal"
  | "hello-first"
  | "version-mismatch"
  | "no-identity"
  | "invalid-address"
  | "unknown-buddy"
  | "blocked"
  | "bad-text"
  | "unknown-message"
  | "bad-query"
  | "store"
  | "in-use"
  | "bad-certificate"
  | "bad-frame"
  | "network";

export type ErrorData = {
  name: ErrorName;
  side?: Side;
  addon?: string;
  host?: string;
  detail?: string;
};
