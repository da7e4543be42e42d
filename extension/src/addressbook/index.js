/**
 * Who is in the address book: which contacts belong to an address, and what they are called. Contacts are found by an
 * IMPP entry (`sip:`, `sips:` or `im:`), and where none has one, by e-mail address.
 */

import { canonical, fromLink } from "../address.js";
import { isBadge } from "./badge.js";
import { isStatusText } from "./status-text.js";
import { parse, texts } from "./vcard.js";

/** @import { Contact as Found } from "../addon-protocol.js" */

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} book
 * @property {string} name
 * @property {string[]} emails canonical
 * @property {string[]} impp canonical addresses of its `sip:`, `sips:` and `im:` entries
 * @property {boolean} marked whether it carries a status that we wrote
 * @property {boolean} writable
 * @property {boolean} remote kept on a server
 */

export class ContactIndex {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Map<string, Set<string>>} address → contact ids */
  #byImpp = new Map();
  /** @type {Map<string, Set<string>>} */
  #byEmail = new Map();

  /**
   * Reads all address books.
   * @param {typeof messenger.addressBooks} addressBooks
   */
  async load(addressBooks) {
    const books = await addressBooks.list();
    for (const book of books) {
      // A book that cannot be listed (a directory server, say) must not hide the others.
      const contacts = await addressBooks.contacts.list(book.id).catch(() => []);
      this.forgetBook(book.id);
      for (const contact of contacts) {
        this.put({ ...contact, parentId: contact.parentId ?? book.id });
      }
    }
  }

  /**
   * A new contact, or one that changed.
   * @param {messenger.addressBooks.contacts.Contact} contact
   * @returns {Set<string>} ids of the contacts whose part may have changed: it, and those that share an address
   */
  put(contact) {
    const touched = this.delete(contact.id);
    const entry = read(contact);
    this.#entries.set(entry.id, entry);
    register(this.#byImpp, entry.impp, entry.id);
    register(this.#byEmail, entry.emails, entry.id);
    return new Set([...touched, ...this.#sharing(entry), entry.id]);
  }

  /**
   * @param {string} id
   * @returns {Set<string>} ids of contacts that share an address with it
   */
  delete(id) {
    const entry = this.#entries.get(id);
    if (!entry) {
      return new Set();
    }
    this.#entries.delete(id);
    unregister(this.#byImpp, entry.impp, id);
    unregister(this.#byEmail, entry.emails, id);
    return this.#sharing(entry);
  }

  /** @param {string} book */
  forgetBook(book) {
    for (const entry of [...this.#entries.values()].filter((candidate) => candidate.book === book)) {
      this.delete(entry.id);
    }
  }

  /** @param {string} id */
  get(id) {
    return this.#entries.get(id);
  }

  entries() {
    return this.#entries.values();
  }

  /**
   * @param {string} address canonical
   * @returns {string[]} ids of its contacts
   */
  find(address) {
    return [...(this.#byImpp.get(address) ?? this.#byEmail.get(address) ?? [])];
  }

  /**
   * Which of a contact's addresses it stands for: not those for which another contact has the IMPP entry.
   * @param {string} id
   */
  addressesOf(id) {
    const entry = this.#entries.get(id);
    return entry
      ? [...new Set([...entry.impp, ...entry.emails])].filter((address) => this.find(address).includes(id))
      : [];
  }

  /** @param {string} address */
  name(address) {
    const entry = this.find(address)
      .map((id) => this.#entries.get(id))
      .find((candidate) => candidate?.name);
    return entry?.name;
  }

  /**
   * @param {string[]} addresses
   * @returns {Record<string, string>} those that have one
   */
  names(addresses) {
    return Object.fromEntries(
      addresses.flatMap((address) => {
        const name = this.name(address);
        return name ? [[address, name]] : [];
      }),
    );
  }

  /**
   * @param {string} text words, all of which must occur
   * @param {number} limit
   * @returns {Found[]} by name
   */
  search(text, limit) {
    const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) {
      return [];
    }
    /** @type {Map<string, Found>} */
    const found = new Map();
    for (const entry of this.#entries.values()) {
      for (const address of [...entry.impp, ...entry.emails]) {
        const where = `${entry.name} ${address}`.toLocaleLowerCase();
        if (!found.has(address) && words.every((word) => where.includes(word))) {
          found.set(address, { address, name: this.name(address) ?? address });
        }
      }
    }
    return [...found.values()].sort((a, b) => a.name.localeCompare(b.name)).slice(0, limit);
  }

  /** @param {Entry} entry */
  #sharing(entry) {
    return new Set([...entry.impp, ...entry.emails].flatMap((address) => this.find(address)));
  }
}

/**
 * @param {messenger.addressBooks.contacts.Contact} contact
 * @returns {Entry}
 */
function read(contact) {
  const lines = parse(contact.vCard);
  const emails = texts(lines, "EMAIL").flatMap((email) => canonical(email) ?? []);
  const impp = texts(lines, "IMPP").flatMap((uri) => (/^(sips?|im):/i.test(uri) ? (fromLink(uri) ?? []) : []));
  return {
    id: contact.id,
    book: contact.parentId ?? "",
    name: (texts(lines, "FN")[0] ?? "").trim(),
    emails: [...new Set(emails)],
    impp: [...new Set(impp)],
    marked: texts(lines, "NICKNAME").some(isStatusText) || texts(lines, "PHOTO").some(isBadge),
    writable: !contact.readOnly,
    remote: Boolean(contact.remote),
  };
}

/**
 * @param {Map<string, Set<string>>} map
 * @param {string[]} addresses
 * @param {string} id
 */
function register(map, addresses, id) {
  for (const address of addresses) {
    map.set(address, (map.get(address) ?? new Set()).add(id));
  }
}

/**
 * @param {Map<string, Set<string>>} map
 * @param {string[]} addresses
 * @param {string} id
 */
function unregister(map, addresses, id) {
  for (const address of addresses) {
    const ids = map.get(address);
    ids?.delete(id);
    if (ids?.size === 0) {
      map.delete(address);
    }
  }
}
