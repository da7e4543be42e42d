/**
 * Notifications of the desktop: a new message, a new request, and the few things the host tells once.
 */

import { plain } from "./i18n.js";
import { oneLine } from "./text.js";

/** @import { Message, Notifications } from "./protocol.js" */
/** @import { Target } from "./addon-protocol.js" */

// Thunderbird cannot draw an SVG in a notification.
const ICON = "icons/corella.png";
const LENGTH = 200;
const REMEMBERED = 500;
const REQUESTS = "requests";

/**
 * @typedef {object} Surroundings
 * @property {(address: string) => string} name what a person is called
 * @property {(address: string) => boolean} inView whether that conversation is before the user's eyes
 * @property {() => boolean} quiet whether the user does not want to be disturbed
 */

export class Announcer {
  /** @type {Set<string>} ids of messages already announced; a message can be reported more than once */
  #done = new Set();
  /** @type {string | null} the stranger who asked last */
  #asked = null;
  #with;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#with = surroundings;
  }

  /** @param {Message} message new, or in another state */
  message(message) {
    const key = `${message.with} ${message.id}`;
    if (message.direction !== "in" || message.state !== "received" || this.#done.has(key)) {
      return;
    }
    this.#done.add(key);
    if (this.#done.size > REMEMBERED) {
      this.#done.delete(String(this.#done.values().next().value));
    }
    if (this.#with.inView(message.with) || this.#with.quiet()) {
      return;
    }
    const name = oneLine(this.#with.name(message.with), LENGTH);
    if (message.request) {
      // A stranger's words are not put on the desktop before the user let them in; and however many ask, there is one notification.
      this.#asked = message.with;
      this.#show(REQUESTS, plain("notifyRequestTitle"), plain("notifyRequest", name));
    } else {
      this.#show(`chat:${message.with}`, name, oneLine(message.text, LENGTH));
    }
  }

  /** @param {Notifications["notice"]} notice */
  notice({ kind, address }) {
    if (kind === "key-renewed" && address) {
      const name = oneLine(this.#with.name(address), LENGTH);
      this.#show(`key:${address}`, name, plain("noticeKeyRenewed", name));
    } else if (kind === "new-device" && address) {
      this.#show(
        `device:${address}`,
        plain("noticeNewDeviceTitle"),
        plain("noticeNewDevice", oneLine(address, LENGTH)),
      );
    }
  }

  /**
   * Somebody invites the user, by a mail from that address. However many do, there is one notification.
   * @param {string} address
   */
  invited(address) {
    if (!this.#with.inView(address) && !this.#with.quiet()) {
      this.#asked = address;
      const name = oneLine(this.#with.name(address), LENGTH);
      this.#show(REQUESTS, plain("notifyInvitationTitle"), plain("notifyInvitation", name));
    }
  }

  /**
   * Somebody has accepted the user's invitation.
   * @param {string} address
   */
  accepted(address) {
    const name = oneLine(this.#with.name(address), LENGTH);
    this.#show(`key:${address}`, name, plain("notifyAccepted", name));
  }

  /**
   * The conversation is before the user's eyes: its notification has done its work.
   * @param {string} address
   */
  seen(address) {
    void messenger.notifications.clear(`chat:${address}`);
    if (address === this.#asked) {
      void messenger.notifications.clear(REQUESTS);
    }
  }

  /**
   * @param {string} id a notification that was clicked
   * @returns {Target | null} what it opens; a conversation is told by the id alone, because the click can come after a restart
   */
  clicked(id) {
    void messenger.notifications.clear(id);
    if (id === REQUESTS) {
      return this.#asked ? { with: this.#asked } : null;
    }
    const [, address] = /^(?:chat|key):(.+)$/.exec(id) ?? [];
    return address ? { with: address } : null;
  }

  /**
   * @param {string} id
   * @param {string} title
   * @param {string} message
   */
  #show(id, title, message) {
    void messenger.notifications.create(id, { type: "basic", iconUrl: ICON, title, message });
  }
}
