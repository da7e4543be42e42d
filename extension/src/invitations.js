/**
 * Invitations to chat, and the answers to them, that come by mail: found as they arrive, or later in a look through
 * the last weeks' mail, and handed to the host, which alone knows what they are worth. Nothing that a mail says is
 * shown or believed here but the address in its From, and that only beside the signed attachment.
 */

import { canonical } from "./address.js";
import { readEach, readLatest } from "./mailbox.js";

/** @import { Queries } from "./mailbox.js" */
/** @import { Address, Methods } from "./protocol.js" */

const NAME = ".corella-invitation";
const TYPE = "application/vnd.corella.invitation";
/** No invitation is larger, in bytes. */
const LARGEST = 65_536;
/** A mail with one is not much larger; others are not fetched to be looked into. */
const LARGEST_MAIL = 262_144;
/** For so long what an invitation carries is worth something. */
const LIFETIME_MS = 30 * 86_400_000;
/** A mail that was on its way at the last look may bear an earlier date. */
const OVERLAP_MS = 2 * 86_400_000;
/** Mails that a look goes through at most, the latest first. */
const MOST_MAILS = 300;
/** Folders whose mails the user has thrown away, or wrote. */
const LEFT_OUT = new Set(["junk", "trash", "drafts", "templates", "outbox", "sent"]);

/** @typedef {Methods["invitations/read"]["result"]} Reading */

/**
 * @typedef {object} AttachmentReads
 * @property {typeof messenger.messages.listAttachments} listAttachments
 * @property {typeof messenger.messages.getAttachmentFile} getAttachmentFile
 * @property {typeof messenger.messages.update} update
 */

export class Invitations {
  #mail;
  #mailboxes;
  #hand;
  #onRead;

  /**
   * @param {object} options
   * @param {Queries & AttachmentReads} options.mail
   * @param {typeof messenger.messengerUtilities.parseMailboxString} options.mailboxes
   * @param {(params: Methods["invitations/read"]["params"]) => Promise<Reading>} options.hand gives one to the host
   * @param {(reading: Reading) => void} options.onRead is told what it was
   */
  constructor({ mail, mailboxes, hand, onRead }) {
    this.#mail = mail;
    this.#mailboxes = mailboxes;
    this.#hand = hand;
    this.#onRead = onRead;
  }

  /** @param {messenger.messages.MessageHeader[]} mails that have just come */
  async arrived(mails) {
    await readEach(mails, this.#readUnlessLeftOut);
  }

  /**
   * Looks for what came to an own address while nobody listened.
   * @param {Address} address
   * @param {number} looked when this was done last, in milliseconds since 1970; 0: never
   * @throws {RpcError} `disconnected`: the host is gone, and not all was looked through
   */
  async search(address, looked) {
    const from = Math.max(Date.now() - LIFETIME_MS, looked - OVERLAP_MS);
    const wanted = { fromDate: new Date(from), recipients: address };
    await readLatest(this.#mail, wanted, MOST_MAILS, this.#readUnlessLeftOut);
  }

  /**
   * Reads the invitation in a mail that the user has opened, wherever the mail is.
   * @param {messenger.messages.MessageHeader} mail
   * @returns {Promise<Reading | null>} null if there is none in it
   */
  async read(mail) {
    return this.#read(mail, true);
  }

  /**
   * @param {messenger.messages.MessageHeader} mail
   * @param {boolean} opened
   */
  async #read(mail, opened) {
    if (mail.size > LARGEST_MAIL || mail.headersOnly) {
      return null;
    }
    const attachment = (await this.#mail.listAttachments(mail.id)).find(isInvitation);
    const from = attachment && (await this.#author(mail.author));
    if (!from) {
      return null;
    }
    const file = await this.#mail.getAttachmentFile(mail.id, attachment.partName);
    if (file.size > LARGEST) {
      return null;
    }
    const reading = await this.#hand({ from, content: await file.text(), opened });
    if (reading.outcome === "accepted") {
      await this.#mail.update(mail.id, { read: true });
    }
    this.#onRead(reading);
    return reading;
  }

  /** @param {messenger.messages.MessageHeader} mail */
  #readUnlessLeftOut = async (mail) => {
    if (!mail.junk && !mail.folder?.specialUse?.some((use) => LEFT_OUT.has(use))) {
      await this.#read(mail, false);
    }
  };

  /**
   * The one author of a mail. In a decoded header a name may look like an address, or like several: then there is none.
   * @param {string} header
   * @returns {Promise<Address | null>}
   */
  async #author(header) {
    const found = await this.#mailboxes(header);
    const address = canonical(found[0]?.email ?? "");
    const written = canonical(/<([^<>]*)>\s*$/.exec(header)?.[1] ?? header);
    return found.length === 1 && address === written ? address : null;
  }
}

/** @param {messenger.messages.MessageAttachment} attachment */
function isInvitation({ name, contentType, size }) {
  const type = contentType.split(";")[0]?.trim().toLowerCase();
  return (name.toLowerCase().endsWith(NAME) || type === TYPE) && size <= LARGEST;
}
