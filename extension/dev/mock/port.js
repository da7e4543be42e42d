/** Two ends of a port: what is posted at one arrives, copied, at the other, a little later. */

import { MockEvent } from "./event.js";

export class MockPort {
  name;
  onMessage = /** @type {MockEvent<(message: unknown) => void>} */ (new MockEvent(true));
  onDisconnect = /** @type {MockEvent<(port: messenger.runtime.Port) => void>} */ (new MockEvent(true));
  /** @type {{message: string} | null} */
  error = null;
  /** Where the other end is. @type {{tab?: messenger.tabs.Tab} | undefined} */
  sender = undefined;
  /** @type {MockPort | null} */
  other = null;
  /** @type {unknown[]} on their way to the other end */
  #posted = [];

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  /** @param {unknown} message */
  postMessage(message) {
    const { other } = this;
    if (!other) {
      throw new Error("Attempt to postMessage on disconnected port");
    }
    // A browser lets a timer that was set by a timer wait longer: what was posted first arrives first all the same.
    this.#posted.push(structuredClone(message));
    setTimeout(() => {
      const first = this.#posted.shift();
      if (this.other === other) {
        other.onMessage.fire(first);
      }
    }, 0);
  }

  disconnect() {
    this.end(null);
  }

  /**
   * Ends the connection; the other end is told.
   * @param {string | null} error what the other end reads as the reason
   */
  end(error) {
    const { other } = this;
    this.other = null;
    if (other) {
      other.other = null;
      other.error = error === null ? null : { message: error };
      setTimeout(() => other.onDisconnect.fire(other), 0);
    }
  }
}

/**
 * @param {string} name
 * @returns {[MockPort, MockPort]}
 */
export function portPair(name) {
  const a = new MockPort(name);
  const b = new MockPort(name);
  a.other = b;
  b.other = a;
  return [a, b];
}
