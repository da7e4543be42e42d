// What the add-on's pages and its background say to each other, beside the host's own methods (protocol.d.ts), which
// the background passes on. The same JSON-RPC, over a runtime port.

import type { Address, InvitationRefusal, Methods, Notifications, Status } from "./protocol.js";

/** How the connection to the host stands; `pages/host-notice.js` words each for the user. */
export type HostState =
    | { kind: "connecting" }
    | { kind: "ready"; host: string }
    | { kind: "missing" }
    | { kind: "too-old"; host: string; addon: string }
    | { kind: "too-new"; host: string; addon: string }
    | { kind: "crashed" }
    | { kind: "refused"; name: string };

export type Settings = {
    /** Whether buddies' status is shown in the address book (nickname and photo). */
    addressBook: boolean;
    /** Whether the authority's letters go to the trash once they are done with. */
    tidyLetters: boolean;
};

/** A device that uses an own address, as the user was not told before. */
export type NewDevice = { address: Address; device: string; at: number };

/** Somebody's key is another one, for which the same authority vouches. `at`: when the host told of it. */
export type NewKey = { address: Address; at: number };

export type AddonState = {
    host: HostState;
    status: Status | null;
    addresses: Address[];
    settings: Settings;
    /** Those that the user has not said to know, the latest last. */
    newDevices: NewDevice[];
    /** Those that the user has not closed, the latest last. */
    newKeys: NewKey[];
};

/** A mail identity of this Thunderbird. */
export type MailIdentity = { address: string; name: string; account: string };

/**
 * Where a chat page is asked to go: a conversation, and a message in it; `refused`: why the invitation in the mail that
 * leads there is not offered.
 */
export type Target = { with: Address; id?: string; refused?: InvitationRefusal };

export type Contact = { address: Address; name: string };

export type AddonMethods = {
    "addon/state": { params: {}; result: AddonState };
    "addon/reconnect": { params: {}; result: {} };
    "addon/identities": { params: {}; result: { identities: MailIdentity[] } };
    "addon/settings": { params: Partial<Settings>; result: Settings };
    /** The user knows these devices: they are told of no more. */
    "addon/knowDevices": { params: { devices: string[] }; result: {} };
    /** The user has read that this person has a new key. */
    "addon/knowKey": { params: { address: Address }; result: {} };
    /** What the address book calls these people; who is not in it is left out. */
    "addon/names": { params: { addresses: Address[] }; result: { names: Record<Address, string> } };
    /** Contacts whose name or address contains the words of `text`, at most `limit`. */
    "addon/contacts": { params: { text: string; limit: number }; result: { contacts: Contact[] } };
    /** An invitation is written, and opened as a mail for the user to send. */
    "addon/invite": { params: { address: Address }; result: {} };
    /** An invitation is accepted, and the answer opened as a mail for the user to send. */
    "addon/acceptInvitation": { params: { address: Address }; result: {} };
    /** A chat page says what it shows; it is told of a target that waits for it. */
    "addon/view": { params: { with: Address | null; focused: boolean }; result: {} };
    /**
     * A chat page is there; `link` as it came from a protocol handler. `elsewhere`: another tab took it, this one
     * closes.
     */
    "addon/arrive": { params: { link: string | null }; result: { elsewhere: boolean; target: Target | null } };
};

export type AddonNotifications = {
    "addon/state": AddonState;
    /** Names in the address book may have changed: ask again. */
    "addon/namesChanged": {};
    /** Unread messages of all people the host knows. */
    "addon/unread": { counts: Record<Address, number> };
    "addon/open": Target;
};

export type AllMethods = Methods & AddonMethods;
export type AllNotifications = Notifications & AddonNotifications;
