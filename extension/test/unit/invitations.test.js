import assert from "node:assert/strict";
import { test } from "node:test";
import { MockMails } from "../../dev/mock/mails.js";
import { openMail } from "../../src/invitation-mail.js";
import { Invitations } from "../../src/invitations.js";
import { coming } from "../../src/mailbox.js";
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
 * @param {number} [page] how many mails Thunderbird lists at a time
 */
function mailbox(mails, answer = ({ from }) => ({ outcome: "offered", address: from }), page = 100) {
  const box = new MockMails(page);
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
      continueList: async (id) => box.continueList(id),
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
  return {
    invitations,
    come: () => coming({ continueList: async (id) => box.continueList(id) }, box.list()),
    handed,
    told,
    done,
  };
}

test("an invitation is handed over as it comes, with the address that the mail comes from; other mail is not", async () => {
  const { invitations, come, handed, told } = mailbox([
    { author: "Carol <carol@example.test>", attachments: [{ name: "holiday.jpg", content: "beach" }] },
    { author: "Bob Baker <Bob@Example.Test>", attachments: [{ name: "notes.txt", content: "" }, ...ATTACHED] },
    { author: "dave@example.test" },
  ]);
  await invitations.arrived(await come());
  assert.deepEqual(handed, [{ from: BOB, content: "signed", opened: false }]);
  assert.deepEqual(told, [{ outcome: "offered", address: BOB }]);
});

test("it is known by its type too, whatever a mail program on the way called it", async () => {
  const { invitations, come, handed } = mailbox([
    {
      author: BOB,
      attachments: [{ name: "ATT001.dat", contentType: "Application/vnd.corella.invitation; x=1", content: "signed" }],
    },
  ]);
  await invitations.arrived(await come());
  assert.equal(handed.length, 1);
});

test("a mail of several authors, or with a name that looks like another address, is nobody's invitation", async () => {
  const { invitations, come, handed } = mailbox(
    [
      "Bob <bob@example.test>, Mallory <mallory@example.test>",
      "Bob <bob@example.test> <mallory@example.test>",
      "",
      "undisclosed",
      "Bob <bob@example.test> (mallory)",
    ].map((author) => ({ author, attachments: ATTACHED })),
  );
  await invitations.arrived(await come());
  assert.deepEqual(handed, []);
});

test("junk, what was thrown away and what the user wrote is not looked into; nor is what is too large", async () => {
  const { invitations, come, handed, done } = mailbox([
    { author: BOB, attachments: ATTACHED, junk: true },
    ...["junk", "trash", "drafts", "templates", "outbox", "sent"].map((use) => ({
      author: BOB,
      attachments: ATTACHED,
      folder: { specialUse: [use] },
    })),
    { author: BOB, attachments: ATTACHED, size: 5_000_000 },
    { author: BOB, attachments: ATTACHED, headersOnly: true },
  ]);
  await invitations.arrived(await come());
  assert.deepEqual(done, [], "not even their attachments are listed");
  const large = mailbox([{ author: BOB, attachments: [{ name: NAME, content: "x".repeat(65_537) }] }]);
  await large.invitations.arrived(await large.come());
  assert.deepEqual([...handed, ...large.handed], []);
});

test("a mail that the user asks about is read even if it is junk", async () => {
  const { invitations, come, handed } = mailbox([{ author: BOB, attachments: ATTACHED, junk: true }], () => ({
    outcome: "refused",
    reason: "other-sender",
  }));
  const [mail] = await come();
  assert.ok(mail);
  assert.deepEqual(await invitations.read(mail), { outcome: "refused", reason: "other-sender" });
  assert.deepEqual(handed, [{ from: BOB, content: "signed", opened: true }]);
});

test("an answer that was taken is marked as read, and an invitation is not", async () => {
  const { invitations, come, done } = mailbox(
    [
      { author: BOB, attachments: ATTACHED },
      { author: "carol@example.test", attachments: ATTACHED },
    ],
    ({ from }) => ({ outcome: from === BOB ? "accepted" : "offered", address: from }),
  );
  await invitations.arrived(await come());
  const [answer] = await come();
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
  await one.invitations.arrived(await one.come());
  assert.deepEqual(one.told, [{ outcome: "offered", address: BOB }]);
  const none = mailbox(mails, () => {
    throw new RpcError({ message: "", data: { name: "disconnected" } });
  });
  await assert.rejects(none.invitations.search(ALICE, 0), { name: "disconnected" });
  assert.equal(none.handed.length, 1);
});

test("an invitation is found on any page of the mails that come, and of those that came before", async () => {
  const mails = ["a@example.test", "b@example.test", BOB].map((author) => ({
    author,
    attachments: author === BOB ? ATTACHED : [],
  }));
  const coming = mailbox(mails, undefined, 1);
  await coming.invitations.arrived(await coming.come());
  assert.deepEqual(coming.told, [{ outcome: "offered", address: BOB }]);
  const before = mailbox(mails, undefined, 1);
  await before.invitations.search(ALICE, 0);
  assert.deepEqual(before.told, [{ outcome: "offered", address: BOB }]);
});

test("of very many mails that were there before the latest are read, wherever they are listed", async () => {
  const mails = Array.from({ length: 1000 }, (_, at) => ({
    author: `a${at}@example.test`,
    attachments: ATTACHED,
    date: new Date(Date.now() - (1000 - at) * 1000),
  }));
  const { invitations, handed } = mailbox(mails);
  await invitations.search(ALICE, 0);
  assert.equal(handed[0]?.from, "a999@example.test");
  assert.ok(handed.length <= 300, String(handed.length));
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
