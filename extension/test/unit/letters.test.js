import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { MailLists } from "../../dev/mock/mail-lists.js";
import { Letters } from "../../src/letters.js";
import { coming } from "../../src/mailbox.js";
import { RpcError } from "../../src/rpc.js";

/** @import { Identity } from "../../src/protocol.js" */

const ALICE = "alice@example.test";
const BLOCK = "-----BEGIN CORELLA TOKENS-----\nab cd\n-----END CORELLA TOKENS-----\n";

/** @type {(certificate: string) => string} */
const pem = (certificate) =>
  `-----BEGIN CERTIFICATE-----\r\n${btoa(certificate).replace(/.{1,64}/g, "$&\r\n")}-----END CERTIFICATE-----\r\n`;
/** What the authority issued, and its own certificate behind it. */
const OWN = "Alice’s certificate, which is longer than one line of base64 is".replace("’", "'");
const COPY = {
  kind: "certificate",
  text: "attached is the certificate",
  certificate: pem(OWN) + pem("the authority's"),
};

/** @type {(state?: any, trust?: any) => Identity} */
const identity = (state, trust = "unverified") => ({
  address: ALICE,
  fingerprint: createHash("sha256").update(OWN).digest("hex"),
  key: "",
  issuer: "self",
  trust,
  expires: 0,
  peer: "",
  roaming: false,
  ...(state && { enrolment: { state } }),
});

/**
 * @param {Record<number, {kind?: string, text?: string, certificate?: string, hours?: number, gone?: boolean}>} mails by
 *   id; `certificate`: what is attached
 * @param {object} [options]
 * @param {boolean} [options.tidy]
 * @param {(text: string) => boolean} [options.taken]
 * @param {number} [options.page] how many mails Thunderbird lists at a time
 */
function mailbox(mails, { tidy = false, taken = (text) => text.includes("ab cd"), page = 100 } = {}) {
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
  const lists = new MailLists(page);
  const list = () => lists.start(Object.keys(mails).map(header));
  const continueList = async (/** @type {string} */ id) => lists.next(id);
  const letters = new Letters({
    mail: {
      getFull: async (id) => {
        if (mails[id]?.gone) {
          throw new Error("Message not found");
        }
        return {
          headers: /** @type {Record<string, string[]>} */ (
            mails[id]?.kind ? { "corella-certificate": [mails[id].kind] } : {}
          ),
          parts: [
            { contentType: "multipart/mixed", parts: [{ contentType: "text/plain", body: mails[id]?.text ?? "" }] },
            { contentType: "text/html", body: BLOCK.replace("ab cd", "html") },
          ],
        };
      },
      query: async (info) => {
        done.push(["query", info.recipients]);
        return list();
      },
      continueList,
      listAttachments: async (id) => {
        const size = mails[id]?.certificate?.length;
        return size ? [{ name: "certificate.pem", contentType: "application/x-pem-file", partName: "1.2", size }] : [];
      },
      getAttachmentFile: async (id) => new File([mails[id]?.certificate ?? ""], "certificate.pem"),
      update: async (id, properties) => void done.push(["update", id, properties]),
      delete: async (ids) => void done.push(["delete", ids]),
    },
    hand: async (text) => {
      handed.push(text);
      return { taken: taken(text) };
    },
    tidy: () => tidy,
  });
  return { letters, done, handed, come: () => coming({ continueList }, list()) };
}

test("nothing is read while no certificate is on its way", async () => {
  const { letters, handed, come } = mailbox({ 1: { text: BLOCK, kind: "token" } });
  await letters.arrived(await come());
  await letters.identity(identity(undefined, "verified"), true);
  await letters.arrived(await come());
  assert.deepEqual(handed, []);
});

test("the letter is handed over as it comes, then marked as read; other mail is left alone", async () => {
  const { letters, done, handed, come } = mailbox({
    1: { text: "lunch?" },
    2: { text: `Hello,\n${BLOCK}`, kind: "token" },
    3: { text: BLOCK.replace("ab cd", "another's"), kind: "token" },
    4: { text: "a stranger's", kind: "certificate" },
  });
  await letters.identity(identity("letter-coming"), false);
  await letters.arrived(await come());
  assert.equal(handed.length, 2);
  assert.match(String(handed[0]), /Hello/);
  assert.deepEqual(done, [["update", 2, { read: true }]]);
});

/** @param {Letters} letters */
async function certified(letters) {
  await letters.identity(identity("answering"), false);
  await letters.identity(identity(undefined, "verified"), false);
}

test("letters go to the trash if the user wishes, and the certificate's copy goes with them", async () => {
  const { letters, done, come } = mailbox({ 1: { text: BLOCK }, 2: COPY }, { tidy: true });
  await letters.identity(identity("letter-coming"), false);
  await letters.arrived((await come()).slice(0, 1));
  await certified(letters);
  await letters.arrived((await come()).slice(1));
  assert.deepEqual(done, [
    ["update", 1, { read: true }],
    ["delete", [1]],
    ["update", 2, { read: true }],
    ["delete", [2]],
  ]);
});

test("what only looks like the copy of the certificate stays as it is, and does not hide the copy", async () => {
  const forged = { kind: "certificate", text: "transfer the money today" };
  const { letters, done, come } = mailbox(
    {
      1: forged,
      2: { ...forged, certificate: pem("Mallory's") },
      3: { ...forged, certificate: "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" },
      4: { ...forged, certificate: "no certificate" },
      5: { ...forged, certificate: pem("the authority's") + pem(OWN) },
      6: { ...forged, certificate: pem(OWN) + "x".repeat(70_000) },
      7: COPY,
    },
    { tidy: true },
  );
  await certified(letters);
  await letters.arrived(await come());
  assert.deepEqual(done, [
    ["update", 7, { read: true }],
    ["delete", [7]],
  ]);
});

test("the copy comes once: whoever sends it again has written something else around it", async () => {
  const { letters, done, come } = mailbox({ 1: COPY, 2: COPY }, { tidy: true });
  await certified(letters);
  const mails = await come();
  await Promise.all([letters.arrived(mails), letters.arrived(mails.slice(1))]);
  await letters.arrived(mails.slice(1));
  assert.equal(done.filter(([what]) => what === "delete").length, 1);
  assert.equal(done.filter(([what]) => what === "update").length, 1);
});

test("a copy that overtakes what the host tells of the certificate is known all the same", async () => {
  const { letters, done, come } = mailbox({ 1: COPY, 2: COPY }, { tidy: true });
  await letters.identity(identity("answering"), false);
  const mails = await come();
  await letters.arrived(mails);
  assert.deepEqual(done, []);
  await certified(letters);
  await letters.arrived(mails.slice(1));
  assert.deepEqual(done, [
    ["update", 1, { read: true }],
    ["delete", [1]],
  ]);
});

test("no copy is looked for where no certificate came, or long ago, or one that no authority issued", async (t) => {
  const { letters, done, come } = mailbox({ 1: COPY }, { tidy: true });
  await letters.identity(identity("answering"), false);
  await letters.identity(identity(), false);
  await letters.arrived(await come());
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  await certified(letters);
  t.mock.timers.tick(3_600_000);
  await letters.arrived(await come());
  assert.deepEqual(done, []);
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

test("a letter is found on any page of the mails that come, and of those that came before", async () => {
  const mails = { 1: { text: "lunch?" }, 2: { text: "dinner?" }, 3: { text: BLOCK } };
  const coming = mailbox(mails, { page: 1 });
  await coming.letters.identity(identity("letter-coming"), false);
  await coming.letters.arrived(await coming.come());
  assert.deepEqual(coming.done, [["update", 3, { read: true }]]);
  const before = mailbox(mails, { page: 1 });
  await before.letters.search(ALICE);
  assert.deepEqual(before.done.slice(1), [["update", 3, { read: true }]]);
});

test("of very many mails some are read, and the pages end", async () => {
  const texts = Object.fromEntries(Array.from({ length: 12_000 }, (_, at) => [at + 1, { text: BLOCK }]));
  const { letters, handed, come } = mailbox(texts, { taken: () => false });
  await letters.identity(identity("letter-coming"), false);
  await letters.arrived(await come());
  assert.ok(handed.length > 100 && handed.length <= 1000, String(handed.length));
});

test("a mail that cannot be read any more does not hide the letter behind it", async () => {
  const mails = { 1: { gone: true, hours: 1 }, 2: { text: BLOCK, hours: 2 } };
  const coming = mailbox(mails);
  await coming.letters.identity(identity("letter-coming"), false);
  await coming.letters.arrived(await coming.come());
  assert.deepEqual(coming.done, [["update", 2, { read: true }]]);
  const before = mailbox(mails);
  await before.letters.search(ALICE);
  assert.deepEqual(before.done.slice(1), [["update", 2, { read: true }]]);
});

test("a host that is gone ends the look", async () => {
  const { letters, handed } = mailbox(
    { 1: { text: BLOCK }, 2: { text: BLOCK } },
    {
      taken: () => {
        throw new RpcError({ message: "", data: { name: "disconnected" } });
      },
    },
  );
  await assert.rejects(letters.search(ALICE), { name: "disconnected" });
  assert.equal(handed.length, 1);
});
