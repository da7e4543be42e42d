import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { canonical, fromLink, sipUri } from "../../src/address.js";

/** @type {Record<string, string | null>} */
const readings = JSON.parse(
  readFileSync(new URL("../../../native-host/identity/src/address/readings.json", import.meta.url), "utf8"),
);

test("texts are read as the host reads them", () => {
  for (const [text, address] of Object.entries(readings)) {
    assert.equal(fromLink(text), address, JSON.stringify(text));
    if (!/^[a-z]+:/i.test(text)) {
      assert.equal(canonical(text), address, JSON.stringify(text));
    }
  }
});

test("an address has its lengths", () => {
  for (const text of [
    `${"a".repeat(65)}@example.net`,
    `bob@${"a".repeat(64)}.net`,
    `bob@${"abcdefgh.".repeat(30)}net`,
  ]) {
    assert.equal(canonical(text), null, text);
  }
});

test("a link of ours names whoever the link or address in it names", () => {
  for (const link of [
    "ext+corella:bob@example.net",
    "ext+corella:sip:bob@example.net",
    "ext+corella://bob@example.net",
    " EXT+corella:mailto:Bob@example.net?subject=x ",
  ]) {
    assert.equal(fromLink(link), "bob@example.net", link);
  }
  assert.equal(fromLink("ext+corella:"), null);
});

test("an address and its sip: URI name each other", () => {
  for (const address of [
    "bob@example.net",
    "a?b&c=d@example.net",
    "o'neil+x@example.net",
    "per%cent@example.net",
    "hash#tag^{x}|`@example.net",
    "a/b@example.net",
    "//alice@example.net",
  ]) {
    const uri = sipUri(address);
    assert.match(uri, /^sip:[A-Za-z0-9\-_.!~*'()&=+$,;?%]+@[a-z0-9.-]+$/);
    assert.equal(fromLink(uri), address, uri);
  }
});
