/** The add-on interface for an ordinary page: what the add-on uses of it, and a record of what it did. */

import { MockAddressBooks } from "./address-book.js";
import { MockEvent } from "./event.js";
import { MockMails } from "./mails.js";
import { portPair } from "./port.js";

/**
 * @typedef {object} World
 * @property {() => messenger.runtime.Port} connectNative
 * @property {Record<string, {message: string}>} messages texts of the language
 * @property {string} language
 * @property {"ltr" | "rtl"} direction
 * @property {Partial<messenger.addressBooks.contacts.Contact>[]} contacts
 * @property {messenger.accounts.MailAccount[]} accounts
 * @property {string} version
 * @property {messenger.tabs.Tab} [tab] the one in which the page is
 * @property {Record<string, unknown>} [stored] what storage.local holds
 */

/** @param {World} world */
export function createMessenger(world) {
  /** @type {{api: string, args: any[]}[]} */
  const done = [];
  const record =
    (/** @type {string} */ api, /** @type {unknown} */ result = undefined) =>
    async (/** @type {any[]} */ ...args) => {
      done.push({ api, args });
      return result;
    };
  const onConnect = new MockEvent(true);
  const onFocusChanged = new MockEvent();
  const addressBooks = new MockAddressBooks(world.contacts);
  const mails = new MockMails();
  const space = { id: 7, name: "corella" };
  const api = {
    runtime: {
      id: "corella@p2p-sip",
      connectNative: world.connectNative,
      /** @param {{name: string}} info */
      connect: ({ name }) => {
        const [page, background] = portPair(name);
        background.sender = { tab: world.tab };
        setTimeout(() => onConnect.fire(background), 0);
        return page;
      },
      getManifest: () => ({ version: world.version }),
      getURL: (/** @type {string} */ path) => path,
      onConnect,
      onStartup: new MockEvent(),
      onInstalled: new MockEvent(),
    },
    storage: { local: new MockStorage(world.stored) },
    i18n: {
      getUILanguage: () => world.language,
      /**
       * @param {string} name
       * @param {string | string[]} [parts]
       */
      getMessage: (name, parts = []) =>
        name === "@@bidi_dir"
          ? world.direction
          : (world.messages[name]?.message ?? "").replace(
              /\$(\d)/g,
              (_, digit) => [parts].flat()[Number(digit) - 1] ?? "",
            ),
    },
    alarms: { create: record("alarms.create"), clear: record("alarms.clear", true), onAlarm: new MockEvent() },
    notifications: {
      create: record("notifications.create"),
      clear: record("notifications.clear", true),
      onClicked: new MockEvent(),
    },
    tabs: { create: record("tabs.create", { id: 1 }), update: record("tabs.update"), remove: record("tabs.remove") },
    windows: {
      update: record("windows.update"),
      openDefaultBrowser: record("windows.openDefaultBrowser"),
      getCurrent: async () => ({ id: 1, focused: true }),
      onFocusChanged,
    },
    spaces: {
      create: record("spaces.create", space),
      query: record("spaces.query", []),
      update: record("spaces.update"),
      open: record("spaces.open", { id: 1 }),
    },
    action: {
      setBadgeText: record("action.setBadgeText"),
      setBadgeBackgroundColor: record("action.setBadgeBackgroundColor"),
      setTitle: record("action.setTitle"),
      onClicked: new MockEvent(),
    },
    messageDisplayAction: { onClicked: new MockEvent() },
    messageDisplay: {
      getDisplayedMessages: async () => ({ messages: [mails.displayed] }),
    },
    messages: {
      getFull: async (/** @type {number} */ id) => mails.whole(id),
      query: async () => mails.list(),
      listAttachments: async (/** @type {number} */ id) => mails.attachments(id),
      getAttachmentFile: async (/** @type {number} */ id, /** @type {string} */ partName) => mails.file(id, partName),
      continueList: async (/** @type {string} */ id) => mails.continueList(id),
      update: record("messages.update"),
      delete: record("messages.delete"),
      onNewMailReceived: mails.onNewMailReceived,
    },
    compose: { beginNew: record("compose.beginNew", { id: 9 }) },
    messengerUtilities: {
      parseMailboxString: async (/** @type {string} */ text) => [{ email: /<(.*)>/.exec(text)?.[1] ?? text }],
    },
    accounts: { list: async () => world.accounts, onCreated: new MockEvent(), onUpdated: new MockEvent() },
    addressBooks,
  };
  return { messenger: api, done, addressBooks, mails };
}

export class MockStorage {
  /** @type {Record<string, any>} */
  data;

  /** @param {Record<string, unknown>} [data] */
  constructor(data = {}) {
    this.data = data;
  }

  /** @param {string | string[]} keys */
  async get(keys) {
    return structuredClone(
      Object.fromEntries([keys].flat().flatMap((key) => (key in this.data ? [[key, this.data[key]]] : []))),
    );
  }

  /** @param {Record<string, unknown>} items */
  async set(items) {
    Object.assign(this.data, structuredClone(items));
  }

  /** @param {string | string[]} keys */
  async remove(keys) {
    for (const key of [keys].flat()) {
      delete this.data[key];
    }
  }
}
