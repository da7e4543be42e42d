import assert from "node:assert/strict";
import { test } from "node:test";
import { MockAddressBooks, vCard } from "../../dev/mock/address-book.js";
import { MockStorage } from "../../dev/mock/messenger.js";
import { isBadge } from "../../src/addressbook/badge.js";
import { ContactIndex } from "../../src/addressbook/index.js";
import { COALESCE_MS, Mirror } from "../../src/addressbook/mirror.js";
import { isStatusText } from "../../src/addressbook/status-text.js";
import { parse, texts } from "../../src/addressbook/vcard.js";
import { Clock } from "./clock.js";

const BOB = "bob@example.test";
const OWN_PHOTO = "PHOTO;VALUE=URI:data:image/png;base64\\,iVBORw0KGgo=";

/** @param {Partial<messenger.addressBooks.contacts.Contact>[]} contacts */
function world(contacts) {
  return run(new MockAddressBooks(contacts), new MockStorage());
}

/**
 * @param {MockAddressBooks} books
 * @param {MockStorage} storage
 */
async function run(books, storage) {
  const clock = new Clock();
  const index = new ContactIndex();
  const mirror = new Mirror({
    index,
    contacts: books.contacts,
    storage,
    word: (status) => status.toUpperCase(),
    setTimer: clock.setTimer,
  });
  books.contacts.onUpdated.addListener((contact) => mirror.changed(index.put(contact)));
  books.contacts.onDeleted.addListener((_book, id) => mirror.changed(index.delete(id)));
  await index.load(/** @type {any} */ (books));
  await mirror.start();
  /** Until nothing more is due. */
  const settle = async () => {
    for (let round = 0; round < 5; round++) {
      await clock.pass(COALESCE_MS);
      await mirror.settled();
    }
  };
  await settle();
  const read = (/** @type {string} */ id) => {
    const lines = parse(books.vCard(id));
    const [nickname = ""] = texts(lines, "NICKNAME");
    const photos = texts(lines, "PHOTO");
    return {
      nickname: nickname.replace("\u2060", ""),
      badge: photos.some(isBadge),
      photos: photos.length,
      impp: texts(lines, "IMPP"),
    };
  };
  return { books, storage, clock, index, mirror, settle, read };
}

const bob = { id: "bob", vCard: vCard("FN:Bob Baker", `EMAIL:${BOB}`) };

test("a buddy's status and note stand under the name, with a badge; both go when nothing is known", async () => {
  const { mirror, settle, read, books } = await world([bob]);
  mirror.show(BOB, { status: "away", note: "back, at 3" });
  await settle();
  assert.deepEqual(read("bob"), { nickname: "◐ AWAY – back, at 3", badge: true, photos: 1, impp: [] });
  mirror.show(BOB, { status: "offline" });
  await settle();
  assert.deepEqual(read("bob"), { nickname: "○ OFFLINE", badge: false, photos: 0, impp: [] });
  mirror.show(BOB, null);
  await settle();
  assert.equal(books.vCard("bob"), bob.vCard, "the contact is as it was");
});

test("the user's own nickname is never touched, their own photo neither", async () => {
  const { mirror, settle, read, books } = await world([
    { id: "nick", vCard: vCard("FN:Bob", "NICKNAME:Bobby", `EMAIL:${BOB}`) },
    { id: "photo", vCard: vCard("FN:Carol", OWN_PHOTO, "EMAIL:carol@example.test") },
  ]);
  const [nick, photo] = [books.vCard("nick"), books.vCard("photo")];
  mirror.show(BOB, { status: "online" });
  mirror.show("carol@example.test", { status: "online" });
  await settle();
  assert.ok(books.vCard("nick").includes("NICKNAME:Bobby\r\n"));
  assert.ok(books.vCard("photo").includes(`${OWN_PHOTO}\r\n`));
  assert.equal(read("photo").badge, false);
  mirror.clear();
  await settle();
  assert.equal(books.vCard("nick"), nick);
  assert.equal(books.vCard("photo"), photo);
});

test("a nickname that the user writes over ours stays", async () => {
  const { mirror, settle, read, books } = await world([bob]);
  mirror.show(BOB, { status: "online" });
  await settle();
  books.edit("bob", books.vCard("bob").replace(/NICKNAME:.*\r\n/, "NICKNAME:Bobby\r\n"));
  mirror.show(BOB, { status: "busy" });
  await settle();
  assert.equal(read("bob").nickname, "Bobby");
  mirror.release(BOB);
  await settle();
  assert.equal(read("bob").nickname, "Bobby");
});

test("words that the user adds to our text make it theirs", async () => {
  const { mirror, settle, read, books } = await world([bob]);
  mirror.show(BOB, { status: "online" });
  await settle();
  books.edit("bob", books.vCard("bob").replace(/(NICKNAME:.*)\r\n/, "$1 (brother)\r\n"));
  mirror.show(BOB, { status: "busy" });
  await settle();
  assert.equal(read("bob").nickname, "● ONLINE (brother)");
});

test("an older text of ours that an open editor brings back is known again", async () => {
  const { mirror, settle, read, books } = await world([bob]);
  mirror.show(BOB, { status: "online" });
  await settle();
  const old = books.vCard("bob");
  mirror.show(BOB, { status: "busy" });
  await settle();
  books.edit("bob", old);
  await settle();
  assert.equal(read("bob").nickname, "⊘ BUSY");
});

test("changes in quick succession are one write, and one contact is written at a time", async () => {
  const { mirror, settle, read, books } = await world([
    bob,
    { id: "carol", vCard: vCard("FN:Carol", "EMAIL:carol@example.test") },
  ]);
  let under = 0;
  let most = 0;
  const { update } = books.contacts;
  books.contacts.update = async (id, card) => {
    most = Math.max(most, ++under);
    await new Promise((resolve) => setImmediate(resolve));
    await update(id, card);
    under--;
  };
  for (const status of /** @type {const} */ (["online", "away", "busy", "online", "away"])) {
    mirror.show(BOB, { status });
    mirror.show("carol@example.test", { status });
  }
  await settle();
  assert.equal(read("bob").nickname, "◐ AWAY");
  assert.equal(books.writes, 2);
  assert.equal(most, 1);
});

test("what is the same already is not written", async () => {
  const { mirror, settle, books } = await world([bob]);
  mirror.show(BOB, { status: "online" });
  await settle();
  const { writes } = books;
  mirror.show(BOB, { status: "online" });
  await settle();
  assert.equal(books.writes, writes);
});

test("after a crash nothing stays behind, even when nothing is remembered", async () => {
  const first = await world([bob]);
  first.mirror.show(BOB, { status: "online" });
  await first.settle();
  for (const storage of [first.storage, new MockStorage()]) {
    const books = new MockAddressBooks([{ id: "bob", vCard: first.books.vCard("bob") }]);
    await run(books, storage);
    assert.equal(books.vCard("bob"), bob.vCard);
  }
});

test("what is about to be written is remembered first", async () => {
  const { mirror, settle, books, storage } = await world([bob]);
  const { update } = books.contacts;
  let checked = false;
  books.contacts.update = async (id, card) => {
    const [nickname] = texts(parse(card), "NICKNAME");
    assert.ok(storage.data.mirror[id].texts.includes(nickname));
    checked = true;
    await update(id, card);
  };
  mirror.show(BOB, { status: "online" });
  await settle();
  assert.ok(checked);
  mirror.show(BOB, null);
  books.contacts.update = update;
  await settle();
  assert.deepEqual(storage.data.mirror, {}, "and forgotten when it is gone");
});

test("who becomes a buddy gets a sip: link, once, where it can be written; it goes with the buddy", async () => {
  const { mirror, settle, read, books } = await world([
    { id: "directory", readOnly: true, vCard: vCard("FN:Bob", `EMAIL:${BOB}`) },
    bob,
  ]);
  mirror.adopt(BOB);
  mirror.show(BOB, { status: "online" });
  await settle();
  assert.deepEqual(read("bob").impp, [`sip:${BOB}`]);
  assert.deepEqual(read("directory").impp, []);
  assert.ok(!/^TEL/m.test(books.vCard("bob")));
  mirror.adopt(BOB);
  await settle();
  assert.deepEqual(read("bob").impp, [`sip:${BOB}`]);
  mirror.release(BOB);
  await settle();
  assert.equal(books.vCard("bob"), bob.vCard);
});

test("a link of the user's own stays when the buddy goes", async () => {
  const own = vCard("FN:Bob", `IMPP:sip:${BOB}`);
  const { mirror, settle, books } = await world([{ id: "bob", vCard: own }]);
  mirror.adopt(BOB);
  mirror.show(BOB, { status: "online" });
  await settle();
  mirror.release(BOB);
  await settle();
  assert.equal(books.vCard("bob"), own);
});

test("the contact with the IMPP entry is the one; without any, those with the mail address", async () => {
  const { mirror, settle, read } = await world([
    { id: "mail", vCard: vCard("FN:Bob at work", `EMAIL:${BOB}`) },
    { id: "impp", vCard: vCard("FN:Bob", "IMPP:im:Bob@Example.test") },
  ]);
  mirror.show(BOB, { status: "online" });
  await settle();
  assert.equal(read("impp").nickname, "● ONLINE");
  assert.equal(read("mail").nickname, "");
});

test("when a contact gets the IMPP entry, the status moves to it", async () => {
  const { mirror, settle, read, books } = await world([bob, { id: "second", vCard: vCard("FN:Bob B.") }]);
  mirror.show(BOB, { status: "online" });
  await settle();
  assert.equal(read("bob").nickname, "● ONLINE");
  books.edit("second", vCard("FN:Bob B.", `IMPP:sip:${BOB}`));
  mirror.show(BOB, { status: "away" });
  await settle();
  assert.equal(read("bob").nickname, "");
  assert.equal(read("second").nickname, "◐ AWAY");
});

test("a contact on a server gets the link, but no status", async () => {
  const { mirror, settle, read } = await world([{ ...bob, remote: true }]);
  mirror.adopt(BOB);
  mirror.show(BOB, { status: "online" });
  await settle();
  assert.deepEqual(read("bob"), { nickname: "", badge: false, photos: 0, impp: [`sip:${BOB}`] });
});

test("switched off, nothing is shown; switched on again, everything is", async () => {
  const { mirror, settle, read, books } = await world([bob]);
  mirror.show(BOB, { status: "online" });
  await settle();
  mirror.setEnabled(false);
  await settle();
  assert.equal(books.vCard("bob"), bob.vCard);
  mirror.setEnabled(true);
  await settle();
  assert.equal(read("bob").nickname, "● ONLINE");
});

test("a contact that was deleted, or refuses, does not keep the others from theirs", async () => {
  const warn = console.warn;
  console.warn = () => {};
  try {
    const { mirror, settle, read, books } = await world([
      bob,
      { id: "carol", vCard: vCard("FN:Carol", "EMAIL:carol@example.test") },
    ]);
    const { update } = books.contacts;
    books.contacts.update = (id, card) => (id === "bob" ? Promise.reject(new Error("no")) : update(id, card));
    mirror.show(BOB, { status: "online" });
    mirror.show("carol@example.test", { status: "online" });
    books.remove("bob");
    await settle();
    assert.equal(read("carol").nickname, "● ONLINE");
  } finally {
    console.warn = warn;
  }
});

test("a peer's note is one short line without direction marks", async () => {
  const { mirror, settle, books } = await world([bob]);
  mirror.show(BOB, { status: "online", note: `a\r\nTEL:+1\u202e;b,c\u0000${"x".repeat(300)}` });
  await settle();
  const [nickname = ""] = texts(parse(books.vCard("bob")), "NICKNAME");
  assert.ok(isStatusText(nickname));
  assert.match(nickname, /^●\u2060 ONLINE – a TEL:\+1;b,c x{60,70}…$/u);
  assert.equal(texts(parse(books.vCard("bob")), "TEL").length, 0);
});
