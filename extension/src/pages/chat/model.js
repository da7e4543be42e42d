/**
 * What the chat page knows: buddies, conversations, names. It changes by what the host tells and draws nothing.
 */

import { oneLine } from "../../text.js";

/** @import { Address, Buddy, Conversation, Message, Presence } from "../../protocol.js" */

/** @typedef {"request" | "chat" | "blocked"} Kind */

/**
 * A line of the conversation list.
 * @typedef {object} Row
 * @property {Address} address
 * @property {string} name
 * @property {Kind} kind
 * @property {Presence} status
 * @property {string} note
 * @property {Message | null} last
 * @property {number} unread
 * @property {boolean} question the peer's key needs a decision
 */

const KINDS = ["request", "chat", "blocked"];

/** No name needs more characters. */
const NAME = 100;

export class Model {
  /** @type {Map<Address, Buddy>} */
  #buddies = new Map();
  /** @type {Map<Address, Conversation>} */
  #conversations = new Map();
  /** @type {Map<Address, string>} from the address book */
  #names = new Map();
  /** @type {Map<Address, number>} messages not read yet, as the host counts them */
  #unread = new Map();

  /**
   * @param {Buddy[]} buddies
   * @param {Conversation[]} conversations
   */
  load(buddies, conversations) {
    this.#buddies = new Map(buddies.map((buddy) => [buddy.address, buddy]));
    this.#conversations = new Map(conversations.map((conversation) => [conversation.with, conversation]));
    this.#unread = new Map(conversations.map(({ with: address, unread }) => [address, unread]));
    this.setUnread(Object.fromEntries(buddies.map(({ address, unread }) => [address, unread])));
  }

  /** @param {Record<Address, string>} names */
  setNames(names) {
    this.#names = new Map(Object.entries(names));
  }

  addresses() {
    return [...new Set([...this.#buddies.keys(), ...this.#conversations.keys()])];
  }

  /** @param {Address} address */
  buddy(address) {
    return this.#buddies.get(address);
  }

  /**
   * What a person is called: by the user's address book first, then as given when added.
   * @param {Address} address
   */
  name(address) {
    return (
      oneLine(this.#names.get(address) ?? "", NAME) || oneLine(this.#buddies.get(address)?.name ?? "", NAME) || address
    );
  }

  /**
   * @param {Address} address
   * @param {Buddy} [buddy] absent: removed
   */
  setBuddy(address, buddy) {
    if (buddy) {
      this.#buddies.set(address, buddy);
    } else {
      this.#buddies.delete(address);
    }
    this.#unread.set(address, buddy?.unread ?? 0);
  }

  /**
   * @param {Address} address
   * @param {Presence} status
   * @param {string} [note]
   */
  setPresence(address, status, note) {
    const buddy = this.#buddies.get(address);
    if (buddy) {
      this.#buddies.set(address, { ...buddy, status, note });
    }
  }

  /**
   * Messages are no longer kept.
   * @param {Address} address
   * @param {Message} [last] the latest that is; absent: there is none
   */
  setLast(address, last) {
    const conversation = this.#conversations.get(address);
    if (!last) {
      this.#conversations.delete(address);
    } else if (conversation) {
      this.#conversations.set(address, { ...conversation, last });
    }
  }

  /** The host is gone: nobody's presence is known. */
  forgetPresence() {
    for (const address of this.#buddies.keys()) {
      this.setPresence(address, "offline");
    }
  }

  /** @param {Record<Address, number>} counts */
  setUnread(counts) {
    for (const [address, count] of Object.entries(counts)) {
      this.#unread.set(address, count);
    }
  }

  /** @param {Message} message new, or in another state */
  putMessage(message) {
    const conversation = this.#conversations.get(message.with);
    if (!conversation) {
      this.#conversations.set(message.with, { with: message.with, last: message, unread: 0 });
      return;
    }
    const { last } = conversation;
    // What arrives late is the latest too, whenever it was written; a late state of an old message is not.
    const arrived = message.direction === "in" && message.state === "received";
    if (last.id === message.id || message.at >= last.at || arrived) {
      conversation.last = message;
    }
  }

  /**
   * @param {Address | null} open the conversation on screen: it is in the list even if nothing was said in it yet
   * @returns {Row[]} requests first, then by the latest message, then by name
   */
  rows(open) {
    const addresses = new Set(this.addresses());
    if (open) {
      addresses.add(open);
    }
    return [...addresses]
      .map((address) => this.#row(address))
      .sort(
        (a, b) =>
          KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
          (b.last?.at ?? 0) - (a.last?.at ?? 0) ||
          a.name.localeCompare(b.name),
      );
  }

  /**
   * @param {Address} address
   * @returns {Row}
   */
  #row(address) {
    const buddy = this.#buddies.get(address);
    const conversation = this.#conversations.get(address);
    return {
      address,
      name: this.name(address),
      kind: buddy?.consent === "request" || buddy?.consent === "blocked" ? buddy.consent : "chat",
      status: buddy?.consent === "buddy" ? buddy.status : "offline",
      note: buddy?.note ?? "",
      last: conversation?.last ?? null,
      unread: buddy?.consent === "blocked" ? 0 : (this.#unread.get(address) ?? 0),
      question: Boolean(buddy?.question),
    };
  }
}
