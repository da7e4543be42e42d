import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical, fromLink, sipUri } from "../../src/address.js";

test("addresses come to one canonical form", () => {
  for (const [written, expected] of [
    [" Bob@Example.NET ", "bob@example.net"],
    ["bob@bücher.example", "bob@xn--bcher-kva.example"],
    ["o'neil+chat@example.net", "o'neil+chat@example.net"],
    ["a.b@localhost", "a.b@localhost"],
    ["bob@example.net.", "bob@example.net"],
  ]) {
    assert.equal(canonical(String(written)), expected);
  }
});

test("what is no plain mail address is refused", () => {
  for (const text of [
    "",
    "bob",
    "@example.net",
    "bob@",
    "bob@@example.net",
    "bob smith@example.net",
    '"bob"@example.net',
    "bob@exa mple.net",
    "bob.@example.net",
    ".bob@example.net",
    "bob@-example.net",
    "bob@example..net",
    "bob@[192.0.2.1]",
    "bob@1",
    "bob@0x7f",
    "bób@example.net",
    "bob@example.net/path",
    "bob@example.net:5060",
    "bob\u0000@example.net",
    `${"a".repeat(65)}@example.net`,
    `bob@${"a".repeat(64)}.net`,
    `bob@${"abcdefgh.".repeat(30)}net`,
  ]) {
    assert.equal(canonical(text), null, text);
  }
});

test("links name an address, whatever their form", () => {
  for (const link of [
    "sip:bob@example.net",
    "SIP:Bob@Example.net",
    "im:bob@example.net",
    "mailto:bob@example.net?subject=x",
    "pres:bob@example.net",
    "sip:bob@example.net;transport=tls?subject=hello",
    "sip:bob@example.net:5060",
    "sip:bob:secret@example.net",
    "sip:b%6Fb@example.net",
    "ext+corella:bob@example.net",
    "ext+corella:sip:bob@example.net",
    "ext+corella://bob@example.net",
    "im:bob%40example.net",
    " bob@example.net ",
  ]) {
    assert.equal(fromLink(link), "bob@example.net", link);
  }
});

test("a link that names nobody is nobody's", () => {
  for (const link of [
    "sip:",
    "sip:example.net",
    "sip:%zz@example.net",
    "https://example.net/",
    "javascript:alert(1)",
    "ext+corella:",
    "tel:+123",
  ]) {
    assert.equal(fromLink(link), null, link);
  }
});

test("an address and its sip: URI name each other", () => {
  for (const address of [
    "bob@example.net",
    "a?b&c=d@example.net",
    "o'neil+x@example.net",
    "per%cent@example.net",
    "hash#tag^{x}|`@example.net",
    "a/b@example.net",
  ]) {
    const uri = sipUri(address);
    assert.match(uri, /^sip:[A-Za-z0-9\-_.!~*'()&=+$,;?/%]+@[a-z0-9.-]+$/);
    assert.equal(fromLink(uri), address, uri);
  }
});
