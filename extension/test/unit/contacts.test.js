import assert from "node:assert/strict";
import { test } from "node:test";
import { MockAddressBooks, vCard } from "../../dev/mock/address-book.js";
import { badge, isBadge } from "../../src/addressbook/badge.js";
import { ContactIndex } from "../../src/addressbook/index.js";

/** @param {Partial<messenger.addressBooks.contacts.Contact>[]} contacts */
async function load(contacts) {
  const index = new ContactIndex();
  await index.load(/** @type {any} */ (new MockAddressBooks(contacts)));
  return index;
}

test("names and suggestions come from the address book", async () => {
  const index = await load([
    { vCard: vCard("FN:Bob Baker", "EMAIL:Bob@Example.test", "EMAIL:bob@home.test") },
    { vCard: vCard("FN:Bea Baker", "IMPP:sip:bea@example.test") },
    { vCard: vCard("FN:No Address") },
    { vCard: "this is no vCard" },
  ]);
  assert.deepEqual(index.names(["bob@example.test", "bea@example.test", "nobody@example.test"]), {
    "bob@example.test": "Bob Baker",
    "bea@example.test": "Bea Baker",
  });
  assert.deepEqual(
    index.search("bak EXAMPLE", 10).map(({ address }) => address),
    ["bea@example.test", "bob@example.test"],
  );
  assert.equal(index.search("baker", 1).length, 1);
  assert.deepEqual(index.search("  ", 10), []);
});

test("a book that cannot be listed does not hide the others", async () => {
  const books = new MockAddressBooks([
    { parentId: "broken", vCard: vCard("FN:X", "EMAIL:x@example.test") },
    { parentId: "good", vCard: vCard("FN:Bob", "EMAIL:bob@example.test") },
  ]);
  const { list } = books.contacts;
  books.contacts.list = (book) => (book === "broken" ? Promise.reject(new Error("no")) : list(book));
  const index = new ContactIndex();
  await index.load(/** @type {any} */ (books));
  assert.deepEqual(index.find("bob@example.test").length, 1);
});

test("what is deleted or moved away is not found any more", async () => {
  const index = await load([{ id: "a", vCard: vCard("FN:Bob", "EMAIL:bob@example.test") }]);
  index.put({ id: "a", parentId: "personal", vCard: vCard("FN:Bob", "EMAIL:bob@new.test") });
  assert.deepEqual(index.find("bob@example.test"), []);
  assert.deepEqual(index.find("bob@new.test"), ["a"]);
  index.forgetBook("personal");
  assert.deepEqual(index.find("bob@new.test"), []);
});

test("badges are known as ours, whatever the name; a name cannot become markup", () => {
  for (const name of ["Bob", "<script>", "", "😀", "山田", "\"&<>'", "e\u0301"]) {
    const url = badge("online", name) ?? "";
    assert.ok(isBadge(url));
    const svg = Buffer.from(url.split(",")[1] ?? "", "base64").toString();
    assert.match(
      svg,
      /^<svg [^<>]*><style>[^<]*<\/style>\s*<rect [^<>]*\/><text [^<>]*>[\p{Letter}\p{Nd}]{0,2}<\/text><circle [^<>]*\/><circle [^<>]*\/><\/svg>$/u,
    );
  }
  assert.equal(badge("offline", "Bob"), null);
  assert.ok(!isBadge("data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="));
});
