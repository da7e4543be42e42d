import assert from "node:assert/strict";
import { test } from "node:test";
import * as vcard from "../../src/addressbook/vcard.js";

test("every line passes through as it came, except for the folding", () => {
  const card = [
    "BEGIN:VCARD",
    "VERSION:3.0",
    "FN:Bob; no\\, really",
    "item1.EMAIL;TYPE=work;PREF=1:bob@example.net",
    'ADR;LABEL="a:b;c":;;Street;;;;',
    "NOTE:one\\ntwo: three",
    "X-EMPTY:",
    "END:VCARD",
    "",
  ].join("\r\n");
  assert.equal(vcard.print(vcard.parse(card)), card);
  assert.equal(vcard.print(vcard.parse("NOTE:fol\r\n ded\r\n\t text\r\n")), "NOTE:folded text\r\n");
});

test("names are found under groups and in any case; quoted colons do not end the head", () => {
  const lines = vcard.parse('item1.impp;X="a:b":sip:bob@example.net\nNickname:B\\, C\\;D\\\\E\\nF\n');
  assert.deepEqual(vcard.texts(lines, "IMPP"), ["sip:bob@example.net"]);
  assert.deepEqual(vcard.texts(lines, "NICKNAME"), ["B, C;D\\E\nF"]);
});

test("text survives escaping, and stays one line", () => {
  for (const text of ["plain", "a,b;c\\d", "line\nbreak", "\\n is no break", "trailing\\", "●\u2060 Online"]) {
    assert.equal(vcard.unescape(vcard.escape(text)), text);
    assert.ok(!vcard.escape(text).includes("\n"));
  }
});

test("new lines go before the end", () => {
  const lines = vcard.add(
    vcard.parse("BEGIN:VCARD\r\nFN:Bob\r\nEND:VCARD\r\n"),
    vcard.line("IMPP", "sip:b@example.net"),
  );
  assert.deepEqual(
    lines.map(({ name }) => name),
    ["BEGIN", "FN", "IMPP", "END"],
  );
});
