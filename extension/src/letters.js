/**
 * The authority's letters: recognised as they arrive, or later in a look through the last day's mail, and handed to
 * the host, which alone knows whether one is the one that is waited for. What a letter says is never shown or believed
 * here.
 */

import { fingerprintOf } from "./certificate.js";
import { readEach, readLatest } from "./mailbox.js";

/** @import { Address, Enrolment, Identity } from "./protocol.js" */

const HEADER = "corella-certificate";
const BLOCK = "-----BEGIN CORELLA TOKENS-----";
/** A token is worth nothing after it. */
const DAY_MS = 86_400_000;
/** The certificate itself is mailed for keeping, soon after it was issued. */
const COPY_MS = 3_600_000;
/** The attachment with it: certificate and chain are not larger, in bytes. */
const LARGEST_COPY = 65_536;
/** Mails that a look goes through at most, the latest first. */
const MOST_MAILS = 500;
/** Mails with a certificate that are remembered, for one of them may be the copy. */
const MOST_EARLY = 16;
/** The host takes no longer text. */
const MOST_TEXT = 262_144;

/** @type {ReadonlySet<string>} the states in which a letter may come */
const WAITING = new Set(["mail-delayed", "letter-later", "letter-coming", "letter-slow"]);

/**
 * @typedef {object} Mail the interface to Thunderbird's mails
 * @property {typeof messenger.messages.getFull} getFull
 * @property {typeof messenger.messages.listAttachments} listAttachments
 * @property {typeof messenger.messages.getAttachmentFile} getAttachmentFile
 * @property {typeof messenger.messages.query} query
 * @property {typeof messenger.messages.continueList} continueList
 * @property {typeof messenger.messages.update} update
 * @property {typeof messenger.messages.delete} delete
 */

export class Letters {
  /** @type {Map<Address, Enrolment["state"]>} the addresses whose certificates are on their way */
  #waiting = new Map();
  /** @type {Map<Address, {fingerprint: string, until: number}>} certificates that came, and whose copies follow */
  #copies = new Map();
  /** @type {Map<string, messenger.messages.MessageHeader>} what came before the host had told of such a certificate */
  #early = new Map();
  #mail;
  #hand;
  #tidy;

  /**
   * @param {object} options
   * @param {Mail} options.mail
   * @param {(text: string) => Promise<{taken: boolean}>} options.hand gives a letter to the host
   * @param {() => boolean} options.tidy whether letters that are done with go to the trash
   */
  constructor({ mail, hand, tidy }) {
    this.#mail = mail;
    this.#hand = hand;
    this.#tidy = tidy;
  }

  /**
   * The host has named an own address. A letter that came while nobody listened is looked for.
   * @param {Identity} identity
   * @param {boolean} look whether one may have come unnoticed
   */
  async identity({ address, fingerprint, enrolment, trust }, look) {
    if (enrolment) {
      this.#waiting.set(address, enrolment.state);
    } else if (this.#waiting.delete(address) && trust === "verified") {
      const early = this.#early.get(fingerprint);
      this.#early.clear();
      if (early) {
        await this.#done(early);
      } else {
        this.#copies.set(address, { fingerprint, until: Date.now() + COPY_MS });
      }
    }
    if (look && enrolment && WAITING.has(enrolment.state)) {
      await this.search(address);
    }
  }

  /** @param {messenger.messages.MessageHeader[]} mails that have just come */
  async arrived(mails) {
    if (this.#waiting.size > 0 || this.#copiesFollow()) {
      await readEach(mails, async (mail) => void (await this.#read(mail)));
    }
  }

  /**
   * Looks through the last day's mail to an address.
   * @param {Address} address
   */
  async search(address) {
    const wanted = { fromDate: new Date(Date.now() - DAY_MS), recipients: address };
    await readLatest(this.#mail, wanted, MOST_MAILS, (mail) => this.#read(mail));
  }

  /**
   * @param {messenger.messages.MessageHeader} mail
   * @returns {Promise<boolean>} whether it was the letter that is waited for
   */
  async #read(mail) {
    const whole = await this.#mail.getFull(mail.id);
    const kind = whole.headers?.[HEADER]?.[0]?.trim();
    const text = plainText(whole);
    if (text.includes(BLOCK) && text.length <= MOST_TEXT && (await this.#hand(text)).taken) {
      await this.#done(mail);
      return true;
    }
    // Anybody can write that header into a mail. A copy is known by the certificate in it, and comes once: what comes
    // later with the same certificate is left for the user to see.
    if (kind === "certificate") {
      const fingerprint = await this.#attached(mail);
      if (this.#taken(fingerprint)) {
        await this.#done(mail);
      } else if (fingerprint && this.#waiting.size > 0 && this.#early.size < MOST_EARLY) {
        this.#early.set(fingerprint, this.#early.get(fingerprint) ?? mail);
      }
    }
    return false;
  }

  #copiesFollow() {
    return [...this.#copies.values()].some(({ until }) => Date.now() < until);
  }

  /**
   * @param {messenger.messages.MessageHeader} mail
   * @returns {Promise<string | null>} the fingerprint of the certificate that is attached to it
   */
  async #attached({ id }) {
    const attachments = await this.#mail.listAttachments(id);
    const found = attachments.find(({ name, size }) => name.endsWith(".pem") && size <= LARGEST_COPY);
    const file = found && (await this.#mail.getAttachmentFile(id, found.partName));
    return file ? fingerprintOf(await file.text()) : null;
  }

  /**
   * @param {string | null} fingerprint of a certificate that was mailed
   * @returns {boolean} whether it is one whose copy has not come yet; from now on it has
   */
  #taken(fingerprint) {
    const [address] = [...this.#copies].find(([, copy]) => copy.fingerprint === fingerprint) ?? [];
    return address !== undefined && this.#copies.delete(address);
  }

  /** @param {messenger.messages.MessageHeader} mail */
  async #done({ id }) {
    await this.#mail.update(id, { read: true });
    if (this.#tidy()) {
      await this.#mail.delete([id]);
    }
  }
}

/**
 * @param {messenger.messages.MessagePart} part
 * @returns {string} its plain text
 */
function plainText(part) {
  const own = part.contentType?.startsWith("text/plain") ? (part.body ?? "") : "";
  return [own, ...(part.parts ?? []).map(plainText)].join("\n");
}
