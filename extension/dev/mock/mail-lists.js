/** Mails as Thunderbird lists them: a page, and more for as long as it has an id. Each page is given once. */

/** @typedef {messenger.messages.MessageList} MessageList */

export class MailLists {
  /** @type {Map<string, messenger.messages.MessageHeader[]>} what is left of each */
  #left = new Map();
  #size;
  #count = 0;

  /** @param {number} size how many are on a page */
  constructor(size) {
    this.#size = size;
  }

  /**
   * @param {messenger.messages.MessageHeader[]} mails
   * @returns {MessageList} the first page
   */
  start(mails) {
    return this.#page(`list ${this.#count++}`, mails);
  }

  /**
   * @param {string} id
   * @returns {MessageList}
   */
  next(id) {
    const left = this.#left.get(id);
    if (!left) {
      throw new Error(`No message list found for ${id}`);
    }
    return this.#page(id, left);
  }

  /**
   * @param {string} id
   * @param {messenger.messages.MessageHeader[]} mails
   */
  #page(id, mails) {
    const left = mails.slice(this.#size);
    if (left.length > 0) {
      this.#left.set(id, left);
    } else {
      this.#left.delete(id);
    }
    return { id: left.length > 0 ? id : null, messages: mails.slice(0, this.#size) };
  }
}
