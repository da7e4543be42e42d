/**
 * The messages of one conversation that are on the page, in the order they are shown: as the host lists them, and a
 * new one at the end, but never after one of the same author with a higher sequence.
 */

/** @import { Message } from "../../protocol.js" */

export class Thread {
  /** @type {Message[]} oldest first */
  messages = [];
  /** Whether older ones exist. */
  more = false;
  /** Whether the last one shown is the latest there is. */
  atEnd = true;

  /**
   * @param {Message[]} messages
   * @param {boolean} more
   * @param {boolean} atEnd
   */
  load(messages, more, atEnd) {
    this.messages = [...messages];
    this.more = more;
    this.atEnd = atEnd;
  }

  /**
   * @param {Message[]} messages the page before the first one shown
   * @param {boolean} more
   * @returns {Message[]} those that were not there yet
   */
  prepend(messages, more) {
    const fresh = this.#unknown(messages);
    this.messages.unshift(...fresh);
    this.more = more;
    return fresh;
  }

  /**
   * @param {Message[]} messages what follows the last one shown
   * @returns {Message[]} those that were not there yet
   */
  append(messages) {
    const fresh = this.#unknown(messages);
    this.messages.push(...fresh);
    return fresh;
  }

  /**
   * @param {Message} message new, or in another state
   * @returns {{index: number, fresh: boolean} | null} where it stands; null if it belongs after what is shown
   */
  put(message) {
    const known = this.messages.findIndex(({ id }) => id === message.id);
    if (known >= 0) {
      this.messages[known] = message;
      return { index: known, fresh: false };
    }
    if (!this.atEnd) {
      return null;
    }
    const later = this.messages.findIndex(
      ({ direction, own, sequence }) =>
        direction === message.direction && own === message.own && sequence > message.sequence,
    );
    const index = later < 0 ? this.messages.length : later;
    // Older than everything shown: its place is on a page that is not loaded.
    if (index === 0 && this.more && this.messages.length > 0) {
      return null;
    }
    this.messages.splice(index, 0, message);
    return { index, fresh: true };
  }

  /** @param {Message[]} messages */
  #unknown(messages) {
    const known = new Set(this.messages.map(({ id }) => id));
    return messages.filter(({ id }) => !known.has(id));
  }
}
