/** Thunderbird's address books, as far as the add-on uses them. */

import { MockEvent } from "./event.js";

/** @typedef {messenger.addressBooks.contacts.Contact} Contact */

export class MockAddressBooks {
  onDeleted = /** @type {MockEvent<(id: string) => void>} */ (new MockEvent());
  contacts;
  /** How many times a contact was written. */
  writes = 0;
  /** @type {Map<string, Contact>} */
  #contacts = new Map();

  /** @param {Partial<Contact>[]} contacts */
  constructor(contacts = []) {
    for (const [index, contact] of contacts.entries()) {
      const id = contact.id ?? `contact-${index}`;
      this.#contacts.set(id, { parentId: "personal", vCard: "", ...contact, id });
    }
    this.contacts = {
      onCreated: /** @type {MockEvent<(contact: Contact) => void>} */ (new MockEvent()),
      onManyCreated: /** @type {MockEvent<(book: messenger.addressBooks.Book) => void>} */ (new MockEvent()),
      onUpdated: /** @type {MockEvent<(contact: Contact, old: string) => void>} */ (new MockEvent()),
      onDeleted: /** @type {MockEvent<(book: string, id: string) => void>} */ (new MockEvent()),
      /** @param {string} book */
      list: async (book) => [...this.#contacts.values()].filter(({ parentId }) => parentId === book),
      /** @param {string} id */
      get: async (id) => ({ ...this.#get(id) }),
      /**
       * @param {string} id
       * @param {string} vCard
       */
      update: async (id, vCard) => {
        this.writes++;
        this.edit(id, vCard);
      },
    };
  }

  async list() {
    return [...new Set([...this.#contacts.values()].map(({ parentId }) => String(parentId)))].map((id) => ({ id }));
  }

  /**
   * Somebody else changes a contact.
   * @param {string} id
   * @param {string} vCard
   */
  edit(id, vCard) {
    const contact = this.#get(id);
    const old = contact.vCard;
    contact.vCard = vCard;
    this.contacts.onUpdated.fire({ ...contact }, old);
  }

  /** @param {string} id */
  vCard(id) {
    return this.#get(id).vCard;
  }

  /** @param {string} id */
  remove(id) {
    const contact = this.#get(id);
    this.#contacts.delete(id);
    this.contacts.onDeleted.fire(String(contact.parentId), id);
  }

  /** @param {string} id */
  #get(id) {
    const contact = this.#contacts.get(id);
    if (!contact) {
      throw new Error(`contact with id=${id} could not be found.`);
    }
    return contact;
  }
}

/**
 * @param {...string} lines without BEGIN, VERSION and END
 * @returns {string}
 */
export function vCard(...lines) {
  return ["BEGIN:VCARD", "VERSION:4.0", ...lines, "END:VCARD", ""].join("\r\n");
}
