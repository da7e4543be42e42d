/** The user's mails, as far as the add-on looks at them, and a record of what it did with them. */

import { MockEvent } from "./event.js";

/** @typedef {Partial<messenger.messages.MessageAttachment> & {content: string}} Attachment */
/** @typedef {Partial<messenger.messages.MessageHeader> & {attachments?: Attachment[]}} Mail */

export class MockMails {
  onNewMailReceived = /** @type {MockEvent<(folder: unknown, list: messenger.messages.MessageList) => void>} */ (
    new MockEvent()
  );
  /** The one on screen. @type {messenger.messages.MessageHeader} */
  displayed;
  /** @type {Map<number, Attachment[]>} */
  #attachments = new Map();
  /** @type {messenger.messages.MessageHeader[]} */
  #headers = [];

  constructor() {
    this.displayed = this.put({ author: "Bob Baker <bob@example.test>" });
    this.#headers = [];
  }

  /**
   * A mail is there, as if it came before.
   * @param {Mail} mail
   */
  put({ attachments = [], ...header }) {
    const id = this.#attachments.size + 1;
    this.#attachments.set(id, attachments);
    const whole = { id, date: new Date(), author: "", junk: false, size: 4000, headersOnly: false, ...header };
    this.#headers.push(whole);
    return whole;
  }

  /**
   * A mail comes.
   * @param {Mail} mail
   */
  receive(mail) {
    this.onNewMailReceived.fire({}, { id: null, messages: [this.put(mail)] });
  }

  list() {
    return { id: null, messages: this.#headers };
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
