import assert from "node:assert/strict";
import { test } from "node:test";
import { MockMails } from "../../dev/mock/mails.js";
import { openMail } from "../../src/invitation-mail.js";
import { Invitations } from "../../src/invitations.js";
import { RpcError } from "../../src/rpc.js";

/** @import { Mail } from "../../dev/mock/mails.js" */

const ALICE = "alice@example.test";
const BOB = "bob@example.test";
const DAY = 86_400_000;
const NAME = "invitation.corella-invitation";
const ATTACHED = [{ name: NAME, content: "signed" }];

/**
 * @param {Mail[]} mails
 * @param {(params: {from: string, content: string}) => any} [answer] of the host
 */
function mailbox(mails, answer = ({ from }) => ({ outcome: "offered", address: from })) {
  const box = new MockMails();
  /** @type {any[]} */
  const handed = [];
  /** @type {any[]} */
  const told = [];
  /** @type {any[]} */
  const done = [];
  mails.forEach((mail) => box.put(mail));
  const invitations = new Invitations({
    mail: {
      query: async (info) => {
        done.push(["query", info]);
        return box.list();
      },
      continueList: async () => ({ id: null, messages: [] }),
      listAttachments: async (id) => {
        done.push(["list", id]);
        return box.attachments(id);
      },
      getAttachmentFile: async (id, part) => box.file(id, part),
      update: async (id, properties) => void done.push(["update", id, properties]),
    },
    mailboxes: async (text) => text.split(", ").map((one) => ({ email: /<(.*?)>/.exec(one)?.[1] ?? one })),
    hand: async (params) => {
      handed.push(params);
      return answer(params);
    },
    onRead: (reading) => told.push(reading),
  });
  return { invitations, list: () => box.list(), handed, told, done };
}

test("an invitation is handed over as it comes, with the address that the mail comes from; other mail is not", async () => {
  const { invitations, list, handed, told } = mailbox([
    { author: "Carol <carol@example.test>", attachments: [{ name: "holiday.jpg", content: "beach" }] },
    { author: "Bob Baker <Bob@Example.Test>", attachments: [{ name: "notes.txt", content: "" }, ...ATTACHED] },
    { author: "dave@example.test" },
  ]);
  await invitations.arrived(list());
  assert.deepEqual(handed, [{ from: BOB, content: "signed" }]);
  assert.deepEqual(told, [{ outcome: "offered", address: BOB }]);
});

test("it is known by its type too, whatever a mail program on the way called it", async () => {
  const { invitations, list, handed } = mailbox([
    {
      author: BOB,
      attachments: [{ name: "ATT001.dat", contentType: "Application/vnd.corella.invitation; x=1", content: "signed" }],
    },
  ]);
  await invitations.arrived(list());
  assert.equal(handed.length, 1);
});

test("a mail of several authors, or with a name that looks like another address, is nobody's invitation", async () => {
  const { invitations, list, handed } = mailbox(
    [
      "Bob <bob@example.test>, Mallory <mallory@example.test>",
      "Bob <bob@example.test> <mallory@example.test>",
      "",
      "undisclosed",
      "Bob <bob@example.test> (mallory)",
    ].map((author) => ({ author, attachments: ATTACHED })),
  );
  await invitations.arrived(list());
  assert.deepEqual(handed, []);
});

test("junk, what was thrown away and what the user wrote is not looked into; nor is what is too large", async () => {
  const { invitations, list, handed, done } = mailbox([
    { author: BOB, attachments: ATTACHED, junk: true },
    ...["junk", "trash", "drafts", "templates", "outbox", "sent"].map((use) => ({
      author: BOB,
      attachments: ATTACHED,
      folder: { specialUse: [use] },
    })),
    { author: BOB, attachments: ATTACHED, size: 5_000_000 },
    { author: BOB, attachments: ATTACHED, headersOnly: true },
  ]);
  await invitations.arrived(list());
  assert.deepEqual(done, [], "not even their attachments are listed");
  const large = mailbox([{ author: BOB, attachments: [{ name: NAME, content: "x".repeat(65_537) }] }]);
  await large.invitations.arrived(large.list());
  assert.deepEqual([...handed, ...large.handed], []);
});

test("a mail that the user asks about is read even if it is junk", async () => {
  const { invitations, list } = mailbox([{ author: BOB, attachments: ATTACHED, junk: true }], () => ({
    outcome: "refused",
    reason: "other-sender",
  }));
  const [mail] = list().messages;
  assert.ok(mail);
  assert.deepEqual(await invitations.read(mail), { outcome: "refused", reason: "other-sender" });
});

test("an answer that was taken is marked as read, and an invitation is not", async () => {
  const { invitations, list, done } = mailbox(
    [
      { author: BOB, attachments: ATTACHED },
      { author: "carol@example.test", attachments: ATTACHED },
    ],
    ({ from }) => ({ outcome: from === BOB ? "accepted" : "offered", address: from }),
  );
  await invitations.arrived(list());
  const [answer] = list().messages;
  assert.deepEqual(
    done.filter(([what]) => what === "update"),
    [["update", answer?.id, { read: true }]],
  );
});

test("what came while nobody listened is looked for: of thirty days, or since shortly before the last look", async () => {
  const { invitations, handed, done } = mailbox([
    { author: "old@example.test", attachments: ATTACHED, date: new Date(Date.now() - DAY) },
    { author: BOB, attachments: ATTACHED },
  ]);
  await invitations.search(ALICE, 0);
  await invitations.search(ALICE, Date.now() - 3 * DAY);
  assert.deepEqual(
    handed.slice(0, 2).map(({ from }) => from),
    [BOB, "old@example.test"],
    "the latest first",
  );
  const days = done
    .filter(([what]) => what === "query")
    .map(([, { fromDate, recipients }]) => [recipients, Math.round((Date.now() - fromDate) / DAY)]);
  assert.deepEqual(days, [
    [ALICE, 30],
    [ALICE, 5],
  ]);
});

test("one mail that cannot be read does not hide the next; a host that is gone ends the look", async () => {
  const mails = ["a@example.test", BOB].map((author) => ({ author, attachments: ATTACHED }));
  const one = mailbox(mails, ({ from }) => {
    if (from !== BOB) {
      throw new Error("gone");
    }
    return { outcome: "offered", address: from };
  });
  await one.invitations.arrived(one.list());
  assert.deepEqual(one.told, [{ outcome: "offered", address: BOB }]);
  const none = mailbox(mails, () => {
    throw new RpcError({ message: "", data: { name: "disconnected" } });
  });
  await assert.rejects(none.invitations.search(ALICE, 0), { name: "disconnected" });
  assert.equal(none.handed.length, 1);
});

const MAIL = { from: ALICE, to: BOB, name: NAME, mediaType: "application/vnd.corella.invitation", content: "signed" };

/** @param {{id: string, email?: string, name?: string}[]} identities */
async function opened(identities) {
  Object.assign(globalThis, {
    messenger: {
      i18n: {
        getMessage: (/** @type {string} */ key, /** @type {string[]} */ parts = []) => [key, ...parts].join(" "),
      },
    },
  });
  /** @type {any[]} */
  const windows = [];
  await openMail(MAIL, "invite", {
    accounts: async () => [{ id: "a", name: "A", identities }],
    beginNew: async (details) => windows.push(details),
  });
  return windows;
}

test("the mail is opened from the right address to that person alone, with the attachment as the host wrote it", async () => {
  const [details] = await opened([
    { id: "id1", email: "other@example.test", name: "Other" },
    { id: "id2", email: "Alice@Example.Test", name: "Alice\u202e Archer" },
  ]);
  const { attachments, ...rest } = details;
  assert.deepEqual(rest, {
    identityId: "id2",
    to: [BOB],
    subject: "inviteMailSubject Alice Archer",
    isPlainText: true,
    plainTextBody: `inviteMailText Alice Archer ${ALICE} ${BOB}`,
  });
  assert.equal(attachments.length, 1);
  const { file } = attachments[0];
  assert.deepEqual([file.name, file.type, await file.text()], [NAME, MAIL.mediaType, "signed"]);
});

test("without an account for the own address no mail is opened from another", async () => {
  await assert.rejects(opened([{ id: "id1", email: "other@example.test" }]), { name: "no-mail-account" });
});
