/** The user's mails, as far as the add-on looks at them, and a record of what it did with them. */

import { MockEvent } from "./event.js";
import { MailLists } from "./mail-lists.js";

/** @typedef {Partial<messenger.messages.MessageAttachment> & {content: string}} Attachment */
/** @typedef {Partial<messenger.messages.MessageHeader> & {text?: string, attachments?: Attachment[]}} Mail */

/** Few on a page, so that lists are put together from several. */
const PAGE = 2;

export class MockMails {
  onNewMailReceived = /** @type {MockEvent<(folder: unknown, list: messenger.messages.MessageList) => void>} */ (
    new MockEvent()
  );
  /** The one on screen. @type {messenger.messages.MessageHeader} */
  displayed;
  /** @type {Map<number, Attachment[]>} */
  #attachments = new Map();
  /** @type {Map<number, string>} */
  #texts = new Map();
  /** @type {messenger.messages.MessageHeader[]} */
  #headers = [];
  #lists;

  /** @param {number} [page] how many mails are listed at a time */
  constructor(page = PAGE) {
    this.#lists = new MailLists(page);
    this.displayed = this.put({ author: "Bob Baker <bob@example.test>" });
    this.#headers = [];
  }

  /**
   * A mail is there, as if it came before.
   * @param {Mail} mail
   */
  put({ attachments = [], text = "", ...header }) {
    const id = this.#attachments.size + 1;
    this.#texts.set(id, text);
    this.#attachments.set(id, attachments);
    const whole = { id, date: new Date(), author: "", junk: false, size: 4000, headersOnly: false, ...header };
    this.#headers.push(whole);
    return whole;
  }

  /**
   * Mails come, all at once.
   * @param {...Mail} mails
   */
  receive(...mails) {
    this.onNewMailReceived.fire({}, this.#lists.start(mails.map((mail) => this.put(mail))));
  }

  list() {
    return this.#lists.start(this.#headers);
  }

  /** @param {string} id of a list that has more */
  continueList(id) {
    return this.#lists.next(id);
  }

  /** @param {number} id */
  whole(id) {
    return { headers: {}, parts: [{ contentType: "text/plain", body: this.#texts.get(id) ?? "" }] };
  }

  /** @param {number} id */
  attachments(id) {
    return (this.#attachments.get(id) ?? []).map(({ content, ...given }, index) => ({
      name: "",
      contentType: "application/octet-stream",
      partName: `1.${index + 2}`,
      size: content.length,
      ...given,
    }));
  }

  /**
   * @param {number} id
   * @param {string} partName
   */
  file(id, partName) {
    const index = this.attachments(id).findIndex((attachment) => attachment.partName === partName);
    return new File([this.#attachments.get(id)?.[index]?.content ?? ""], "attachment");
  }
}
