/**
 * Going through mails: those that come, and a look through those that came earlier. Thunderbird lists both page by page.
 */

import { RpcError } from "./rpc.js";

/** Mails that come at once and are gone through at most: more do only where a mailbox is new to Thunderbird. */
const MOST_COMING = 1000;
/** Mails of which the latest are chosen, at most: Thunderbird lists them in no order of time. */
const MOST_LISTED = 10_000;

/** @typedef {messenger.messages.MessageHeader} Header */

/**
 * @typedef {object} Pages
 * @property {typeof messenger.messages.continueList} continueList
 */

/** @typedef {Pages & {query: typeof messenger.messages.query}} Queries */

/**
 * All mails that have just come. Thunderbird gives each page once: whoever else wants them takes them from here.
 * @param {Pages} mail
 * @param {messenger.messages.MessageList} list the first page
 * @returns {Promise<Header[]>} in the order in which Thunderbird names them
 */
export async function coming(mail, list) {
  const found = [...list.messages];
  try {
    await addPages(mail, list.id, found, MOST_COMING);
  } catch (error) {
    console.debug("Corella: not all mails that came were listed:", error);
  }
  return found.slice(0, MOST_COMING);
}

/**
 * Reads mails that came earlier, the latest first.
 * @param {Queries} mail
 * @param {{fromDate: Date, recipients: string}} wanted
 * @param {number} most
 * @param {(mail: Header) => Promise<boolean | void>} read true: it was the last that is wanted
 * @throws {RpcError} `disconnected`: the host is gone
 */
export async function readLatest(mail, wanted, most, read) {
  const { id, messages } = await mail.query(wanted);
  const found = [...messages];
  await addPages(mail, id, found, MOST_LISTED);
  found.sort((one, other) => other.date.getTime() - one.date.getTime());
  await readEach(found.slice(0, most), read);
}

/**
 * Reads one mail after the other. One that cannot be read, deleted or moved meanwhile, does not hide those behind it.
 * @param {Header[]} mails
 * @param {(mail: Header) => Promise<boolean | void>} read true: it was the last that is wanted
 * @throws {RpcError} `disconnected`: the host is gone
 */
export async function readEach(mails, read) {
  for (const mail of mails) {
    try {
      if (await read(mail)) {
        return;
      }
    } catch (error) {
      if (error instanceof RpcError && error.name === "disconnected") {
        throw error;
      }
      console.debug("Corella: a mail was not read:", error);
    }
  }
}

/**
 * @param {Pages} mail
 * @param {string | null} list of which more is asked for, until there are enough
 * @param {Header[]} found what is there of it; the rest joins it
 * @param {number} enough
 */
async function addPages(mail, list, found, enough) {
  while (list && found.length < enough) {
    const { id, messages } = await mail.continueList(list);
    found.push(...messages);
    list = id;
  }
}
