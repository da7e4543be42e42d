/**
 * The background page: it holds the one connection to the host, keeps badges and the address book in step with what the
 * host tells, and serves the pages. An event page: the open native port keeps it alive, and without one, an alarm.
 */

import { fromLink } from "./address.js";
import { ContactIndex } from "./addressbook/index.js";
import { Mirror } from "./addressbook/mirror.js";
import { Announcer } from "./announce.js";
import { APPLICATION, HostConnection } from "./host/connection.js";
import { plain } from "./i18n.js";
import { mailIdentities } from "./identities.js";
import { openMail } from "./invitation-mail.js";
import { Invitations } from "./invitations.js";
import { Letters } from "./letters.js";
import { coming } from "./mailbox.js";
import { STATUS_WORDS } from "./presence.js";
import { PORT, Relay } from "./relay.js";
import { createSpace, ChatTabs } from "./space.js";
import { Store } from "./store.js";
import { showOnButtons, Unread } from "./unread.js";

/** @import { AddonState, HostState, Settings } from "./addon-protocol.js" */
/** @import { Opens } from "./invitation-mail.js" */
/** @import { Address, Buddy, Methods, Notifications, Status } from "./protocol.js" */

const WAKE = "reconnect";
/** Shorter than the 30 s after which Thunderbird puts an idle background to sleep. */
const WAKE_MINUTES = 0.4;
const RECOUNT_MS = 100;

const store = new Store(messenger.storage.local);
const index = new ContactIndex();
const mirror = new Mirror({
  index,
  contacts: messenger.addressBooks.contacts,
  storage: messenger.storage.local,
  word: (status) => plain(STATUS_WORDS[status]),
});
const space = createSpace();
const tabs = new ChatTabs(space);
const unread = new Unread((total) => void showOnButtons(total, space));

/** @type {Status | null} */
let status = null;
/** @type {Address[]} */
let addresses = [];
/** @type {Map<Address, Buddy> | null} null until the host has named them */
let buddies = null;
/** @type {HostConnection | null} */
let host = null;
let recounting = false;

/** Where mails of invitations are opened. @type {Opens} */
const opens = { accounts: messenger.accounts.list, beginNew: messenger.compose.beginNew };

const relay = new Relay(
  async (method, params) => {
    const result = await ready.then(() => connection().call(method, params));
    await afterCall(method);
    return result;
  },
  {
    "addon/state": async () => ready.then(state),
    "addon/reconnect": async () => {
      connection().connect();
      return {};
    },
    "addon/identities": async () => ({ identities: mailIdentities(await messenger.accounts.list(false)) }),
    "addon/settings": async (params) => {
      const settings = await changeSettings(params);
      tellOtherDevices();
      return settings;
    },
    "addon/knowDevices": async ({ devices }) => {
      await store.knowDevices(devices);
      tellState();
      return {};
    },
    "addon/knowKey": async ({ address }) => {
      await store.knowKey(address);
      tellState();
      return {};
    },
    "addon/names": async (params) => ready.then(() => ({ names: index.names(params.addresses) })),
    "addon/contacts": async ({ text, limit }) => ready.then(() => ({ contacts: index.search(text, limit) })),
    "addon/invite": async ({ address }) => {
      const mail = await ready.then(() => connection().call("invitations/write", { to: address }));
      await openMail(mail, "invite", opens);
      return {};
    },
    "addon/acceptInvitation": async ({ address }) => {
      const mail = await ready.then(() => connection().call("invitations/accept", { address }));
      await openMail(mail, "answer", opens);
      return {};
    },
    "addon/view": async ({ with: address, focused }, page) => {
      page.with = address;
      page.focused = focused;
      if (address && focused) {
        announcer.seen(address);
      }
      return {};
    },
    "addon/arrive": async ({ link }, page) => tabs.arrive(page, link),
  },
  (page) => tabs.leave(page),
);

const announcer = new Announcer({
  name: (address) => index.name(address) ?? buddies?.get(address)?.name ?? address,
  inView: (address) => relay.inView(address),
  quiet: () => status?.presence === "busy",
});

const letters = new Letters({
  mail: messenger.messages,
  hand: (text) => connection().call("identity/letter", { text }),
  tidy: () => store.settings.tidyLetters,
});

const invitations = new Invitations({
  mail: messenger.messages,
  mailboxes: messenger.messengerUtilities.parseMailboxString,
  hand: (params) => connection().call("invitations/read", params),
  onRead: ({ outcome, address, reason }) => {
    if (outcome === "offered" && address) {
      announcer.invited(address);
    } else if (outcome === "accepted" && address) {
      announcer.accepted(address);
    } else if (reason) {
      console.debug("Corella: an invitation was not taken:", reason);
    }
  },
});

const ready = start();

async function start() {
  const profile = await store.load();
  addresses = store.addresses;
  mirror.setEnabled(store.settings.addressBook);
  host = new HostConnection({
    connect: () => messenger.runtime.connectNative(APPLICATION),
    version: messenger.runtime.getManifest().version,
    profile,
    onState: enter,
    onReady: (welcome) => {
      setAddresses(welcome.addresses);
      void refresh();
    },
    onNotification: (method, params) => {
      relay.tell(/** @type {keyof Notifications} */ (method), params);
      void ready.then(() => react(/** @type {keyof Notifications} */ (method), params));
    },
  });
  host.connect();
  await index.load(messenger.addressBooks);
  await mirror.start();
}

function connection() {
  if (!host) {
    throw new Error("used before start");
  }
  return host;
}

/** @param {HostState} entered */
function enter(entered) {
  if (entered.kind === "ready") {
    void messenger.alarms.clear(WAKE);
  } else {
    void messenger.alarms.create(WAKE, { periodInMinutes: WAKE_MINUTES });
    status = null;
    buddies = null;
    mirror.clear();
  }
  tellState();
}

/** Asks the host for everything that is shown outside the pages. */
async function refresh() {
  try {
    setStatus(await connection().call("status", {}));
    await listBuddies();
    for (const identity of (await connection().call("identity/list", {})).identities) {
      void letters.identity(identity, true).catch(notRead);
    }
    await takeSettings((await connection().call("settings/list", {})).settings);
    void lookForInvitations().catch(notRead);
  } catch (error) {
    // The connection was lost meanwhile (a new one asks again), or there is no identity yet (then there are no
    // buddies).
    console.debug("Corella: not refreshed:", error);
  }
}

async function listBuddies() {
  const list = (await connection().call("buddies/list", {})).buddies;
  await ready;
  buddies = new Map(list.map((buddy) => [buddy.address, buddy]));
  unread.reset(list);
  relay.tell("addon/unread", { counts: Object.fromEntries(list.map((buddy) => [buddy.address, buddy.unread])) });
  for (const buddy of list) {
    mirror.show(buddy.address, buddy.consent === "buddy" ? buddy : null);
  }
}

/**
 * @param {keyof Notifications} method
 * @param {any} params
 */
function react(method, params) {
  switch (method) {
    case "messages/changed":
      announcer.message(params.message);
      if (params.message.direction === "in") {
        recount();
      }
      break;
    case "messages/dropped":
      recount();
      break;
    case "buddies/changed":
      buddyChanged(params.address, params.buddy);
      break;
    case "presence/changed":
      if (buddies?.get(params.address)?.consent === "buddy") {
        mirror.show(params.address, params);
      }
      break;
    case "status/changed":
      setStatus(params);
      break;
    case "identity/changed":
      void letters.identity(params.identity, false).catch(notRead);
      break;
    case "identity/lettersWanted":
      void letters.search(params.address).catch(notRead);
      break;
    case "settings/changed":
      void takeSettings({ [params.name]: params.value });
      break;
    case "notice":
      announcer.notice(params);
      if (params.kind === "new-device") {
        void store.addDevice({ address: params.address, device: params.device, at: params.at }).then(tellState);
      } else if (params.kind === "key-renewed") {
        void store.addNewKey({ address: params.address, at: Date.now() }).then(tellState);
      }
      break;
  }
}

/**
 * @param {Address} address
 * @param {Buddy} [buddy]
 */
function buddyChanged(address, buddy) {
  const before = buddies?.get(address);
  unread.set(address, buddy);
  if (buddy) {
    buddies?.set(address, buddy);
  } else {
    buddies?.delete(address);
    void store.knowKey(address).then(tellState);
  }
  if (buddy?.consent !== "buddy") {
    mirror.release(address);
    return;
  }
  mirror.show(address, buddy);
  // Only who becomes a buddy now: a link that the user took away from the contact stays away.
  if (buddies && before?.consent !== "buddy") {
    mirror.adopt(address);
  }
}

/** Unread counts once more, soon: many messages make one question. */
function recount() {
  if (!recounting) {
    recounting = true;
    setTimeout(() => {
      recounting = false;
      listBuddies().catch((error) => console.debug("Corella: not recounted:", error));
    }, RECOUNT_MS);
  }
}

/** @param {keyof Methods} method answered by the host */
async function afterCall(method) {
  if (["identity/enrol", "identity/import", "identity/importFile", "identity/fetch"].includes(method)) {
    await refresh();
  } else if (method === "roaming/open") {
    // What another device has set counts; what none has set yet, this one does.
    await takeSettings((await connection().call("settings/list", {})).settings);
    tellOtherDevices();
  } else if (method === "messages/markRead") {
    recount();
  } else if (method === "presence/set") {
    setStatus(await connection().call("status", {}));
  }
}

/** @param {Partial<Settings>} changes */
async function changeSettings(changes) {
  const settings = await store.change(changes);
  mirror.setEnabled(settings.addressBook);
  tellState();
  return settings;
}

/** @param {Record<string, string>} settings as another of the user's devices has set them */
async function takeSettings({ addressBook }) {
  const is = String(store.settings.addressBook);
  if (addressBook !== is && (addressBook === "true" || addressBook === "false")) {
    await changeSettings({ addressBook: addressBook === "true" });
  }
}

/** What came by mail while no host was there, or before an address was Corella's. */
async function lookForInvitations() {
  for (const address of addresses) {
    const now = Date.now();
    await invitations.search(address, store.looked[address] ?? 0);
    await store.setLooked(address, now);
  }
}

/** @param {unknown} error */
function notRead(error) {
  console.debug("Corella: mails were not looked through:", error);
}

/** The host passes the settings on if the user keeps them for other devices; without a host they stay here. */
function tellOtherDevices() {
  connection()
    .call("settings/set", { name: "addressBook", value: String(store.settings.addressBook) })
    .catch((error) => console.debug("Corella: other devices are not told of settings:", error));
}

/** @param {Status} changed */
function setStatus(changed) {
  status = changed;
  setAddresses(changed.addresses);
  tellState();
}

/** @param {Address[]} changed */
function setAddresses(changed) {
  addresses = changed;
  void store.setAddresses(changed);
}

/** @returns {AddonState} */
function state() {
  const { settings, newDevices, newKeys } = store;
  return { host: connection().state, status, addresses, settings, newDevices, newKeys };
}

function tellState() {
  relay.tell("addon/state", state());
}

/** @param {Iterable<string>} ids of contacts */
function contactsChanged(ids) {
  mirror.changed(ids);
  relay.tell("addon/namesChanged", {});
}

messenger.runtime.onConnect.addListener((port) => {
  if (port.name === PORT) {
    relay.accept(port);
  }
});
// Being there is enough: Thunderbird starts the background when it starts.
messenger.runtime.onStartup.addListener(() => {});
messenger.runtime.onInstalled.addListener(({ reason }) => {
  if (reason === "install") {
    void tabs.show(null);
  }
});
messenger.alarms.onAlarm.addListener(() => void ready.then(() => connection().connect()));
messenger.action.onClicked.addListener(() => void tabs.show(null));
messenger.notifications.onClicked.addListener((id) => void tabs.show(announcer.clicked(id)));
// All folders: a filter may have moved a letter before it is seen here, and a word of it may have made it junk.
messenger.messages.onNewMailReceived.addListener((_folder, list) => {
  const mails = coming(messenger.messages, list);
  void ready.then(async () => letters.arrived(await mails)).catch(notRead);
  void ready.then(async () => invitations.arrived(await mails)).catch(notRead);
}, true);
messenger.messageDisplayAction.onClicked.addListener((tab) => void chatWithSender(tab));
messenger.addressBooks.contacts.onCreated.addListener((contact) => contactsChanged(index.put(contact)));
messenger.addressBooks.contacts.onUpdated.addListener((contact) => contactsChanged(index.put(contact)));
messenger.addressBooks.contacts.onDeleted.addListener((_book, id) => contactsChanged(index.delete(id)));
messenger.addressBooks.contacts.onManyCreated.addListener(async () => {
  await index.load(messenger.addressBooks);
  contactsChanged([...index.entries()].map((entry) => entry.id));
});
messenger.addressBooks.onDeleted.addListener((book) => {
  index.forgetBook(book);
  contactsChanged([]);
});

/** @param {messenger.tabs.Tab} tab that shows a message */
async function chatWithSender(tab) {
  const { messages } = await messenger.messageDisplay.getDisplayedMessages(tab.id);
  const [mail] = messages;
  const [sender] = await messenger.messengerUtilities.parseMailboxString(mail?.author ?? "");
  const address = fromLink(sender?.email ?? "");
  if (!address || !mail) {
    await tabs.show(null);
    return;
  }
  // The user stands before an invitation perhaps: it is offered now, or it is said why not.
  const reading = await ready.then(() => invitations.read(mail)).catch(notRead);
  await tabs.show({ with: address, ...(reading?.reason && { refused: reading.reason }) });
}
