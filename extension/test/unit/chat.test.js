import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "../../src/pages/chat/model.js";
import { linkedSegments, markedSegments } from "../../src/pages/chat/segments.js";
import { Thread } from "../../src/pages/chat/thread.js";
import { oneLine } from "../../src/text.js";
import { message } from "./messages.js";

/** @import { Buddy } from "../../src/protocol.js" */

/**
 * @param {string} address
 * @param {Partial<Buddy>} changes
 * @returns {Buddy}
 */
function buddy(address, changes = {}) {
  return { address, consent: "buddy", status: "offline", unread: 0, ...changes };
}

test("the list shows requests first, then the latest, then by name, blocked people last", () => {
  const model = new Model();
  model.load(
    [
      buddy("zoe@x.test"),
      buddy("adam@x.test"),
      buddy("new@x.test", { consent: "request" }),
      buddy("bad@x.test", { consent: "blocked" }),
      buddy("bob@x.test"),
    ],
    [
      { with: "bob@x.test", last: message({ with: "bob@x.test", at: 5 }), unread: 0 },
      { with: "zoe@x.test", last: message({ with: "zoe@x.test", at: 9 }), unread: 0 },
    ],
  );
  assert.deepEqual(
    model.rows("open@x.test").map(({ address }) => address),
    ["new@x.test", "zoe@x.test", "bob@x.test", "adam@x.test", "open@x.test", "bad@x.test"],
  );
});

test("who has said nothing that is kept leaves the list; a conversation goes back to what is", () => {
  const model = new Model();
  const request = { with: "eve@x.test", last: message({ with: "eve@x.test", request: true }), unread: 1 };
  const asked = message({ with: "bob@x.test", id: "m2", text: "again?", request: true });
  model.load([buddy("eve@x.test", { consent: "request" })], [request, { with: "bob@x.test", last: asked, unread: 0 }]);
  model.setBuddy("eve@x.test");
  model.setLast("eve@x.test");
  model.setLast("bob@x.test", message({ with: "bob@x.test", text: "as we said" }));
  assert.deepEqual(
    model.rows(null).map(({ address, last }) => [address, last?.text]),
    [["bob@x.test", "as we said"]],
  );
});

test("the host counts what is unread; the latest message shows how far it got", () => {
  const model = new Model();
  model.load([buddy("bob@example.test", { unread: 1 })], [{ with: "bob@example.test", last: message({}), unread: 1 }]);
  model.putMessage(message({ id: "m2", direction: "out", state: "pending", at: 2000 }));
  model.putMessage(message({ id: "m2", direction: "out", state: "delivered", at: 2000 }));
  const [row] = model.rows(null);
  assert.equal(row?.unread, 1);
  assert.equal(row?.last?.state, "delivered");
  model.setUnread({ "bob@example.test": 3 });
  assert.equal(model.rows(null)[0]?.unread, 3);
  model.setBuddy("bob@example.test", buddy("bob@example.test", { unread: 7 }));
  assert.equal(model.rows(null)[0]?.unread, 7);
  model.setBuddy("bob@example.test", buddy("bob@example.test", { unread: 7, consent: "blocked" }));
  assert.equal(model.rows(null)[0]?.unread, 0, "blocked people do not ask for attention");
});

test("a late state of an old message does not become the latest message; a late arrival does", () => {
  const model = new Model();
  model.load([], [{ with: "bob@example.test", last: message({ id: "m5", at: 5000 }), unread: 0 }]);
  model.putMessage(message({ id: "m1", direction: "out", state: "delivered", at: 1000 }));
  assert.equal(model.rows(null)[0]?.last?.id, "m5");
  model.putMessage(message({ id: "m6", at: 900 }));
  assert.equal(model.rows(null)[0]?.last?.id, "m6");
});

test("names: the address book, then the buddy's, then the address; always one clean line", () => {
  const model = new Model();
  model.load([buddy("bob@x.test", { name: "Given\u202e\nName" })], []);
  assert.equal(model.name("bob@x.test"), "Given Name");
  model.setNames({ "bob@x.test": "Bob" });
  assert.equal(model.name("bob@x.test"), "Bob");
  assert.equal(model.name("other@x.test"), "other@x.test");
});

test("when the host is gone, nobody is shown as online", () => {
  const model = new Model();
  model.load([buddy("bob@x.test", { status: "online", note: "here" })], []);
  model.forgetPresence();
  assert.deepEqual(
    model.rows(null).map(({ status, note }) => [status, note]),
    [["offline", ""]],
  );
});

test("a new message stands at the end, but not after a later one of the same author", () => {
  const thread = new Thread();
  thread.load(
    [
      message({ id: "a", sequence: 1 }),
      message({ id: "c", sequence: 3 }),
      message({ id: "x", direction: "out", sequence: 1 }),
    ],
    false,
    true,
  );
  assert.deepEqual(thread.put(message({ id: "d", sequence: 4 })), { index: 3, fresh: true });
  assert.deepEqual(thread.put(message({ id: "b", sequence: 2 })), { index: 1, fresh: true });
  assert.deepEqual(thread.put(message({ id: "b", sequence: 2, state: "read" })), { index: 1, fresh: false });
  assert.deepEqual(
    thread.messages.map(({ id }) => id),
    ["a", "b", "c", "x", "d"],
  );
});

test("what belongs before or after the shown part is left to it", () => {
  const thread = new Thread();
  thread.load([message({ id: "c", sequence: 3 })], true, false);
  assert.equal(thread.put(message({ id: "z", sequence: 9 })), null);
  thread.load([message({ id: "c", sequence: 3 })], true, true);
  assert.equal(thread.put(message({ id: "a", sequence: 1 })), null);
});

test("pages do not double what is there", () => {
  const thread = new Thread();
  thread.load([message({ id: "c" })], true, true);
  assert.deepEqual(
    thread.prepend([message({ id: "b" }), message({ id: "c" })], false).map(({ id }) => id),
    ["b"],
  );
  assert.deepEqual(
    thread.append([message({ id: "c" }), message({ id: "d" })]).map(({ id }) => id),
    ["d"],
  );
  assert.deepEqual(
    thread.messages.map(({ id }) => id),
    ["b", "c", "d"],
  );
});

test("marks are cut exactly, in UTF-16 units, and senseless ones are left out", () => {
  const text = "say 👋 hello";
  assert.deepEqual(
    markedSegments(text, [
      [7, 12],
      [0, 3],
    ]),
    [
      { text: "say", marked: true },
      { text: " 👋 ", marked: false },
      { text: "hello", marked: true },
    ],
  );
  for (const marks of [
    [[5, 5]],
    [[-3, 99]],
    [[4, 2]],
    [
      [0, 4],
      [2, 6],
    ],
    [[1.5, 3]],
    [["0", 3]],
    [null],
    [[50, 60]],
  ]) {
    const segments = markedSegments(text, /** @type {any} */ (marks));
    assert.equal(segments.map((segment) => segment.text).join(""), text, JSON.stringify(marks));
  }
  assert.deepEqual(
    markedSegments(text, [[4, 5]]).find(({ marked }) => marked)?.text,
    "👋",
    "no character is cut in two",
  );
  assert.deepEqual(markedSegments("", []), []);
});

test("only plain web addresses become links, as they are written", () => {
  /** @type {(text: string) => (string | null)[]} */
  const links = (text) => linkedSegments(text).flatMap(({ text: piece, url }) => (url ? [piece] : []));
  assert.deepEqual(links("see https://example.org/a?b=c#d."), ["https://example.org/a?b=c#d"]);
  assert.deepEqual(links("(https://example.org/wiki/A_(b)) and (http://x.test)"), [
    "https://example.org/wiki/A_(b)",
    "http://x.test",
  ]);
  for (const text of [
    "javascript:alert(1)",
    "ftp://x.test/",
    "https://bank.test@evil.test/",
    "file:///etc/passwd",
    "https://",
    "xhttps://x.test",
    "data:text/html,x",
  ]) {
    assert.deepEqual(links(text), [], text);
  }
  assert.deepEqual(links("http://evil.test/\u202egpj.exe"), ["http://evil.test/"]);
  for (const text of ["a https://x.test/, b", "https://x.test", "", "no link at all"]) {
    assert.equal(
      linkedSegments(text)
        .map((segment) => segment.text)
        .join(""),
      text,
    );
  }
});

test("one line is one line, and no longer than asked", () => {
  assert.equal(oneLine(" a\n\tb\u0000\u2028c\u202e\u2066d ", 50), "a b cd");
  assert.equal(oneLine("👍👍👍👍", 3), "👍👍…");
});
