/** Messages as tests need them. */

/** @import { Message } from "../../src/protocol.js" */

/**
 * @param {Partial<Message>} changes
 * @returns {Message}
 */
export function message(changes) {
  return {
    id: "m1",
    own: "alice@example.test",
    with: "bob@example.test",
    direction: "in",
    text: "hi",
    at: 1000,
    sequence: 1,
    state: "received",
    trust: "unverified",
    sealed: true,
    request: false,
    ...changes,
  };
}
