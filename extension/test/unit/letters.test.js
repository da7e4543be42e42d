import assert from "node:assert/strict";
import { test } from "node:test";
import { Letters } from "../../src/letters.js";

/** @import { Identity } from "../../src/protocol.js" */

const ALICE = "alice@example.test";
const BLOCK = "-----BEGIN CORELLA TOKENS-----\nab cd\n-----END CORELLA TOKENS-----\n";

/** @type {(state?: any, trust?: any) => Identity} */
const identity = (state, trust = "unverified") => ({
  address: ALICE,
  fingerprint: "",
  key: "",
  issuer: "self",
  trust,
  expires: 0,
  peer: "",
  roaming: false,
  ...(state && { enrolment: { state } }),
});

/**
 * @param {Record<number, {kind?: string, text?: string, hours?: number}>} mails by id
 * @param {{tidy?: boolean, taken?: (text: string) => boolean}} [options]
 */
function mailbox(mails, { tidy = false, taken = (text) => text.includes("ab cd") } = {}) {
  /** @type {any[]} */
  const done = [];
  /** @type {string[]} */
  const handed = [];
  const header = (/** @type {string} */ id) => ({
    id: Number(id),
    author: "",
    junk: false,
    size: 0,
    headersOnly: false,
    date: new Date(Date.now() - (mails[Number(id)]?.hours ?? 0) * 3_600_000),
  });
  const list = () => ({ id: null, messages: Object.keys(mails).map(header) });
  const letters = new Letters({
    mail: {
      getFull: async (id) => ({
        headers: /** @type {Record<string, string[]>} */ (
          mails[id]?.kind ? { "corella-certificate": [mails[id].kind] } : {}
        ),
        parts: [
          { contentType: "multipart/mixed", parts: [{ contentType: "text/plain", body: mails[id]?.text ?? "" }] },
          { contentType: "text/html", body: BLOCK.replace("ab cd", "html") },
        ],
      }),
      query: async (info) => {
        done.push(["query", info.recipients]);
        return list();
      },
      continueList: async () => ({ id: null, messages: [] }),
      update: async (id, properties) => void done.push(["update", id, properties]),
      delete: async (ids) => void done.push(["delete", ids]),
    },
    hand: async (text) => {
      handed.push(text);
      return { taken: taken(text) };
    },
    tidy: () => tidy,
  });
  return { letters, done, handed, list };
}

test("nothing is read while no certificate is on its way", async () => {
  const { letters, handed, list } = mailbox({ 1: { text: BLOCK, kind: "token" } });
  await letters.arrived(list());
  await letters.identity(identity(undefined, "verified"), true);
  await letters.arrived(list());
  assert.deepEqual(handed, []);
});

test("the letter is handed over as it comes, then marked as read; other mail is left alone", async () => {
  const { letters, done, handed, list } = mailbox({
    1: { text: "lunch?" },
    2: { text: `Hello,\n${BLOCK}`, kind: "token" },
    3: { text: BLOCK.replace("ab cd", "another's"), kind: "token" },
    4: { text: "a stranger's", kind: "certificate" },
  });
  await letters.identity(identity("letter-coming"), false);
  await letters.arrived(list());
  assert.equal(handed.length, 2);
  assert.match(String(handed[0]), /Hello/);
  assert.deepEqual(done, [["update", 2, { read: true }]]);
});

test("letters go to the trash if the user wishes, and the certificate's copy goes with them", async () => {
  const { letters, done, list } = mailbox({ 1: { text: "to keep", kind: "certificate" } }, { tidy: true });
  await letters.identity(identity("answering"), false);
  await letters.identity(identity(undefined, "verified"), false);
  await letters.arrived(list());
  assert.deepEqual(done, [
    ["update", 1, { read: true }],
    ["delete", [1]],
  ]);
});

test("a letter that came before is looked for once the host says that one may have come", async () => {
  const { letters, done, handed } = mailbox({
    1: { text: BLOCK.replace("ab cd", "old"), hours: 5 },
    2: { text: BLOCK, hours: 2 },
    3: { text: BLOCK.replace("ab cd", "new"), hours: 1 },
  });
  await letters.identity(identity("unreachable"), true);
  assert.deepEqual(done, []);
  await letters.identity(identity("letter-coming"), true);
  assert.deepEqual(
    handed.map((text) => /new|ab cd|old/.exec(text)?.[0]),
    ["new", "ab cd"],
  );
  assert.deepEqual(done, [
    ["query", ALICE],
    ["update", 2, { read: true }],
  ]);
});

test("what the host would not take is not handed over", async () => {
  const { letters, handed } = mailbox({ 1: { text: BLOCK + "x".repeat(300_000) } });
  await letters.search(ALICE);
  assert.deepEqual(handed, []);
});
