import assert from "node:assert/strict";
import { test } from "node:test";
import { Announcer } from "../../src/announce.js";
import { mailIdentities } from "../../src/identities.js";
import { ChatTabs } from "../../src/space.js";
import { badgeText, Unread } from "../../src/unread.js";
import { message } from "./messages.js";

/** @import { Buddy } from "../../src/protocol.js" */

/** @type {any[]} */
const done = [];
/** @type {(name: string, result?: unknown) => (...args: any[]) => Promise<any>} */
const record =
  (name, result) =>
  async (...args) => {
    done.push([name, ...args]);
    return result;
  };
Object.assign(globalThis, {
  messenger: {
    i18n: {
      getMessage: (/** @type {string} */ key, /** @type {string[]} */ parts = []) => [key, ...parts].join(" "),
      getUILanguage: () => "en",
    },
    notifications: { create: record("notify"), clear: record("clear") },
    tabs: { create: record("create"), update: record("update"), remove: record("remove") },
    windows: { update: record("focus") },
    spaces: { open: record("space") },
  },
});

/** @param {{inView?: boolean, quiet?: boolean}} [now] */
function announcer({ inView = false, quiet = false } = {}) {
  done.length = 0;
  return new Announcer({ name: () => "Bob", inView: () => inView, quiet: () => quiet });
}

test("a message is announced once, with its text, and a click leads to its conversation", () => {
  const announce = announcer();
  announce.message(message({ text: "two\nlines" }));
  announce.message(message({ text: "two\nlines" }));
  assert.equal(done.length, 1);
  assert.equal(done[0][1], "chat:bob@example.test");
  assert.deepEqual([done[0][2].title, done[0][2].message], ["Bob", "two lines"]);
  assert.deepEqual(announce.clicked("chat:bob@example.test"), { with: "bob@example.test" });
});

test("a stranger's words are not put on the desktop", () => {
  const announce = announcer();
  announce.message(message({ text: "buy now", request: true }));
  assert.ok(!JSON.stringify(done).includes("buy now"));
});

test("however many strangers ask, there is one notification, and a click leads to the last of them", () => {
  const announce = announcer();
  announce.message(message({ with: "a@x.test", request: true }));
  announce.message(message({ with: "b@x.test", request: true }));
  assert.deepEqual(new Set(done.map(([, id]) => id)), new Set(["requests"]));
  assert.deepEqual(announce.clicked("requests"), { with: "b@x.test" });
  assert.equal(announcer().clicked("requests"), null);
});

test("no announcement of what is before the eyes, of own or read messages, or while busy", () => {
  announcer({ inView: true }).message(message({}));
  assert.equal(done.length, 0);
  announcer({ quiet: true }).message(message({}));
  assert.equal(done.length, 0);
  const announce = announcer();
  announce.message(message({ direction: "out", state: "delivered" }));
  announce.message(message({ state: "read" }));
  assert.equal(done.length, 0);
});

test("a new key that the authority vouches for is told, whatever the user does, and leads to the person", () => {
  const announce = announcer({ inView: true, quiet: true });
  announce.notice({ kind: "key-renewed", address: "bob@example.test" });
  assert.equal(done.length, 1);
  const [[what, id, { title, message: words }]] = done;
  assert.deepEqual([what, id, title, words], ["notify", "key:bob@example.test", "Bob", "noticeKeyRenewed Bob"]);
  assert.deepEqual(announce.clicked(id), { with: "bob@example.test" });
});

test("a new device of one's own is told, one for each address, and leads to the chat", () => {
  const announce = announcer({ quiet: true });
  announce.notice({ kind: "new-device", address: "alice@example.test", device: "12D3KooWother", at: 1000 });
  assert.equal(done.length, 1);
  const [[what, id, { title, message: words }]] = done;
  assert.deepEqual(
    [what, id, title, words],
    ["notify", "device:alice@example.test", "noticeNewDeviceTitle", "noticeNewDevice alice@example.test"],
  );
  assert.equal(announce.clicked(id), null, "the chat tells of it, above every conversation");
});

test("a notice that is about nobody is not told", () => {
  const announce = announcer();
  announce.notice({ kind: "key-renewed" });
  announce.notice({ kind: "new-device" });
  assert.deepEqual(done, []);
});

test("unread messages add up; blocked people do not count; the badge is told of changes only", () => {
  /** @type {number[]} */
  const shown = [];
  const unread = new Unread((total) => shown.push(total));
  /** @type {(address: string, count: number, consent?: Buddy["consent"]) => Buddy} */
  const buddy = (address, count, consent = "buddy") => ({ address, consent, status: "offline", unread: count });
  unread.reset([buddy("a@x.test", 2), buddy("b@x.test", 3, "request"), buddy("c@x.test", 9, "blocked")]);
  unread.set("a@x.test", buddy("a@x.test", 2));
  unread.set("a@x.test", buddy("a@x.test", 0));
  unread.set("b@x.test");
  assert.deepEqual(shown, [5, 3, 0]);
  assert.deepEqual([0, 7, 99, 100].map(badgeText), ["", "7", "99", "99+"]);
});

test("mail identities: each usable address once, in canonical form", () => {
  const identities = mailIdentities([
    {
      id: "1",
      name: "Work",
      identities: [{ id: "a", email: "Alice@Example.Test", name: "Alice" }, { id: "b", email: "" }, { id: "c" }],
    },
    {
      id: "2",
      name: "Home",
      identities: [
        { id: "d", email: "alice@example.test" },
        { id: "e", email: "not an address" },
      ],
    },
  ]);
  assert.deepEqual(identities, [{ address: "alice@example.test", name: "Alice", account: "Work" }]);
});

/** @type {(id: number) => {tab: messenger.tabs.Tab, open: (target: any) => void, opened: any[]}} */
function page(id) {
  /** @type {any[]} */
  const opened = [];
  return { tab: { id, windowId: 1 }, open: (target) => opened.push(target), opened };
}

test("a link goes to the chat that is open already, and its own tab closes", async () => {
  done.length = 0;
  const tabs = new ChatTabs(Promise.resolve(7));
  const chat = page(1);
  assert.deepEqual(await tabs.arrive(chat, null), { elsewhere: false, target: null });
  const link = page(2);
  assert.deepEqual(await tabs.arrive(link, "sip:bob@example.test"), { elsewhere: true, target: null });
  assert.deepEqual(chat.opened, [{ with: "bob@example.test" }]);
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(
    done.map(([name, id]) => [name, id]),
    [
      ["focus", 1],
      ["update", 1],
      ["remove", 2],
    ],
  );
});

test("without an open chat, the space is opened, and its page goes where the link said", async () => {
  done.length = 0;
  const tabs = new ChatTabs(Promise.resolve(7));
  assert.equal((await tabs.arrive(page(2), "im:bob@example.test")).elsewhere, true);
  assert.deepEqual(done[0], ["space", 7]);
  assert.deepEqual(await tabs.arrive(page(3), null), { elsewhere: false, target: { with: "bob@example.test" } });
  assert.deepEqual((await tabs.arrive(page(4), null)).target, null, "only once");
});

test("where there is no space, or the link names nobody, the page of the link itself stays", async () => {
  const tabs = new ChatTabs(Promise.resolve(null));
  assert.deepEqual(await tabs.arrive(page(2), "sip:bob@example.test"), {
    elsewhere: false,
    target: { with: "bob@example.test" },
  });
  assert.deepEqual(await new ChatTabs(Promise.resolve(7)).arrive(page(2), "sip:nobody"), {
    elsewhere: false,
    target: null,
  });
});
