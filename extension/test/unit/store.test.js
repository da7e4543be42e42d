import assert from "node:assert/strict";
import { test } from "node:test";
import { MockStorage } from "../../dev/mock/messenger.js";
import { Store } from "../../src/store.js";

test("of whose key is new is remembered over a restart, the latest time of each, until the user has read it", async () => {
  const area = new MockStorage();
  const before = new Store(area);
  await before.load();
  await before.addNewKey({ address: "bob@example.test", at: 1 });
  await before.addNewKey({ address: "carol@example.test", at: 2 });
  await before.addNewKey({ address: "bob@example.test", at: 3 });
  await before.knowKey("carol@example.test");
  const after = new Store(area);
  await after.load();
  assert.deepEqual(after.newKeys, [{ address: "bob@example.test", at: 3 }]);
});

test("however many people have new keys, not all are remembered", async () => {
  const store = new Store(new MockStorage());
  for (let at = 0; at < 1000; at++) {
    await store.addNewKey({ address: `a${at}@example.test`, at });
  }
  assert.ok(store.newKeys.length <= 100);
  assert.equal(store.newKeys.at(-1)?.at, 999);
});
