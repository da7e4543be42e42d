/**
 * Shows buddies' status in the address book: keeps for each contact what it should show, and writes what differs, one
 * contact at a time. What was written is remembered before it is written, so that after a crash nothing stays behind.
 *
 * Contacts on a server get the link (it is lasting) but never the status: it would be sent there at every change.
 */

import { NOTHING, plan } from "./plan.js";

/** @import { ContactIndex } from "./index.js" */
/** @import { Memory, Wish } from "./plan.js" */
/** @import { Presence } from "../protocol.js" */

/** Changes of one contact within this time are one write. */
export const COALESCE_MS = 200;

const KEY = "mirror";

/**
 * @typedef {object} Parts
 * @property {ContactIndex} index
 * @property {Pick<typeof messenger.addressBooks.contacts, "get" | "update">} contacts
 * @property {messenger.storage.Area} storage
 * @property {(status: Presence) => string} word a status in the user's language
 * @property {(callback: () => void, ms: number) => unknown} [setTimer]
 */

export class Mirror {
  /** @type {Map<string, {status: Presence, note?: string}>} what is known, by address */
  #shown = new Map();
  /** @type {Map<string, Set<string>>} addresses whose link is to be added, by contact id */
  #link = new Map();
  /** @type {Set<string>} */
  #unlink = new Set();
  /** @type {Record<string, Memory>} by contact id */
  #memory = {};
  /** @type {Set<string>} ids of contacts to look at */
  #dirty = new Set();
  /** @type {Promise<void> | null} */
  #running = null;
  #scheduled = false;
  #enabled = true;
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = {
      setTimer: (/** @type {() => void} */ callback, /** @type {number} */ ms) => setTimeout(callback, ms),
      ...parts,
    };
  }

  /** After the index is loaded: takes away what an earlier run left behind. */
  async start() {
    const stored = await this.#parts.storage.get(KEY);
    this.#memory = /** @type {Record<string, Memory>} */ (stored[KEY] ?? {});
    for (const id of Object.keys(this.#memory)) {
      if (!this.#parts.index.get(id)) {
        delete this.#memory[id];
      }
    }
    const marked = [...this.#parts.index.entries()].filter((entry) => entry.marked).map((entry) => entry.id);
    this.#touch([...marked, ...Object.keys(this.#memory)]);
  }

  /** @param {boolean} enabled whether status is shown at all */
  setEnabled(enabled) {
    if (enabled !== this.#enabled) {
      this.#enabled = enabled;
      this.#touch([...this.#shown.keys()].flatMap((address) => this.#parts.index.find(address)));
      this.#touch(Object.keys(this.#memory));
    }
  }

  /**
   * @param {string} address
   * @param {{status: Presence, note?: string} | null} presence null: not known, or none of our buddies
   */
  show(address, presence) {
    if (presence) {
      this.#shown.set(address, presence);
    } else {
      this.#shown.delete(address);
    }
    this.#touch(this.#parts.index.find(address));
  }

  /** Nothing is known of anybody: the host is gone. */
  clear() {
    const addresses = [...this.#shown.keys()];
    this.#shown.clear();
    this.#touch(addresses.flatMap((address) => this.#parts.index.find(address)));
  }

  /**
   * The person became a buddy: the contact gets a link to the chat.
   * @param {string} address
   */
  adopt(address) {
    const entries = this.#parts.index.find(address).map((id) => this.#parts.index.get(id));
    const best = entries.filter((entry) => entry?.writable).sort((a, b) => Number(a?.remote) - Number(b?.remote))[0];
    if (best && !entries.some((entry) => entry?.impp.includes(address))) {
      this.#unlink.delete(address);
      this.#link.set(best.id, (this.#link.get(best.id) ?? new Set()).add(address));
      this.#touch([best.id]);
    }
  }

  /**
   * The person is a buddy no more: what is ours goes.
   * @param {string} address
   */
  release(address) {
    for (const addresses of this.#link.values()) {
      addresses.delete(address);
    }
    this.#unlink.add(address);
    this.show(address, null);
  }

  /**
   * Contacts changed by somebody else.
   * @param {Iterable<string>} ids
   */
  changed(ids) {
    this.#touch([...ids].filter((id) => this.#memory[id] || this.#wish(id).shown));
  }

  /** When everything that is due has been written. */
  async settled() {
    await this.#running;
  }

  /** @param {string[]} ids */
  #touch(ids) {
    for (const id of ids) {
      this.#dirty.add(id);
    }
    if (this.#dirty.size > 0 && !this.#scheduled && !this.#running) {
      this.#scheduled = true;
      this.#parts.setTimer(() => {
        this.#scheduled = false;
        this.#running = this.#run().finally(() => {
          this.#running = null;
          this.#touch([]);
        });
      }, COALESCE_MS);
    }
  }

  async #run() {
    const due = [...this.#dirty];
    this.#dirty.clear();
    for (const id of due) {
      try {
        await this.#write(id);
      } catch (error) {
        // The contact was deleted meanwhile, or its book refuses: the others still get theirs.
        console.warn("Corella: a contact could not be updated:", error);
      }
    }
  }

  /** @param {string} id */
  async #write(id) {
    const entry = this.#parts.index.get(id);
    if (!entry?.writable) {
      return;
    }
    const contact = await this.#parts.contacts.get(id);
    const wish = this.#wish(id);
    const old = this.#memory[id] ?? NOTHING;
    const { vCard, memory } = plan(contact.vCard, wish, old);
    await this.#remember(id, memory, old, vCard !== null);
    if (vCard !== null) {
      await this.#parts.contacts.update(id, vCard);
    }
    this.#link.delete(id);
  }

  /**
   * @param {string} id
   * @param {Memory} memory
   * @param {Memory} old
   * @param {boolean} writing what is about to go is forgotten only with the next look at the contact
   */
  async #remember(id, memory, old, writing) {
    const texts = writing && memory.texts.length === 0 ? old.texts : memory.texts;
    const kept = { ...memory, texts };
    if (JSON.stringify(kept) === JSON.stringify(old)) {
      return;
    }
    if (kept.texts.length === 0 && kept.impp.length === 0) {
      delete this.#memory[id];
    } else {
      this.#memory[id] = kept;
    }
    await this.#parts.storage.set({ [KEY]: this.#memory });
  }

  /**
   * @param {string} id
   * @returns {Wish}
   */
  #wish(id) {
    const addresses = this.#parts.index.addressesOf(id);
    const remote = this.#parts.index.get(id)?.remote;
    const known = addresses.find((address) => this.#shown.has(address));
    const presence = known && this.#enabled && !remote ? this.#shown.get(known) : undefined;
    return {
      shown: presence ? { ...presence, word: this.#parts.word(presence.status) } : null,
      link: [...(this.#link.get(id) ?? [])],
      unlink: [...this.#unlink],
    };
  }
}
