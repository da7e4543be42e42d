import assert from "node:assert/strict";
import { axe, calls, openConversation } from "./browser.js";
import { pageTests } from "./page-tests.js";

/** @import { Page } from "playwright-core" */
/** @import { Mail } from "../../dev/mock/mails.js" */

const ALICE = "alice@example.test";
const BOB = "bob@example.test";
const CAROL = "carol@example.test";
const ERIN = "erin@example.test";
const FRANK = "frank@elsewhere.test";
const pageTest = pageTests();

/**
 * The mails that were opened for the user to send.
 * @param {Page} page
 * @returns {Promise<any[]>}
 */
function opened(page) {
  return page.evaluate(async () =>
    Promise.all(
      /** @type {any} */ (globalThis).mock.done
        .filter((/** @type {any} */ { api }) => api === "compose.beginNew")
        .map(async (/** @type {any} */ { args: [{ attachments, ...details }] }) => ({
          ...details,
          attachment: [attachments[0].file.name, attachments[0].file.type, await attachments[0].file.text()],
        })),
    ),
  );
}

/**
 * @param {Page} page
 * @param {number} [count]
 */
async function mailOpened(page, count = 1) {
  await page.waitForFunction(
    (wanted) =>
      /** @type {any} */ (globalThis).mock.done.filter((/** @type {any} */ { api }) => api === "compose.beginNew")
        .length === wanted,
    count,
  );
  return (await opened(page)).at(-1);
}

/**
 * A mail with an attachment comes.
 * @param {Page} page
 * @param {string} author
 * @param {string} content
 */
async function receive(page, author, content) {
  await page.locator('#own-status[data-online="true"]').waitFor();
  await page.evaluate((/** @type {Mail} */ mail) => /** @type {any} */ (globalThis).mock.mails.receive(mail), {
    author,
    attachments: [{ name: "invitation.corella-invitation", content }],
  });
}

/**
 * @param {Page} page
 * @param {RegExp} words
 */
async function notified(page, words) {
  await page.waitForFunction(
    (source) =>
      /** @type {any} */ (globalThis).mock.done.some(
        (/** @type {any} */ { api, args }) =>
          api === "notifications.create" && new RegExp(source).test(`${args[1].title} ${args[1].message}`),
      ),
    words.source,
  );
}

pageTest(
  "somebody unknown is invited by a mail that the user sees, and the conversation says so",
  { scenario: "normal", query: "link=sip%3Afrank%40elsewhere.test" },
  async (page) => {
    await page.locator("#invite-stranger").click();
    const mail = await mailOpened(page);
    assert.deepEqual([mail.identityId, mail.to, mail.isPlainText], ["id1", [FRANK], true]);
    assert.match(mail.subject, /Alice Archer invites you/);
    assert.match(mail.plainTextBody, /press Accept in Corella’s chat.*If you do not have it yet.*do nothing/s);
    assert.match(mail.plainTextBody, /frank@elsewhere\.test.*alice@example\.test/s);
    assert.doesNotMatch(mail.plainTextBody, /[$\u2068\u2069]/);
    assert.deepEqual(mail.attachment, [
      "invitation.corella-invitation",
      "application/vnd.corella.invitation",
      `offer ${ALICE}`,
    ]);
    await page.locator("#invited-panel").waitFor();
    await page.locator("#invite-again").click();
    await mailOpened(page, 2);
    assert.deepEqual(
      (await calls(page, "invitations/write")).map(({ params }) => params),
      [{ to: FRANK }, { to: FRANK }],
    );
  },
);

pageTest(
  "who has no key yet, or an unconfirmed one, can be invited from the conversation",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, "nokey@example.test");
    await page.locator("#invite-keyless").click();
    await mailOpened(page);
    await page.evaluate(
      (address) => /** @type {any} */ (globalThis).mock.host.putBuddy(address, { trust: "unverified" }),
      BOB,
    );
    await openConversation(page, BOB);
    await page.locator("#person-trust").click();
    await page.locator("#invite").click();
    assert.deepEqual((await mailOpened(page, 2)).to, [BOB]);
  },
);

pageTest("the dialog for a new chat invites an address", { scenario: "normal" }, async (page) => {
  await page.locator("#new-chat").click();
  await page.locator("#new-chat-invite").click();
  await page.locator("#new-chat-problem").waitFor();
  await page.locator("#new-chat-address").fill("Frank@Elsewhere.test");
  await page.locator("#new-chat-invite").click();
  assert.deepEqual((await mailOpened(page)).to, [FRANK]);
  await page.locator(`#conversation[data-address="${FRANK}"] #invited-panel`).waitFor();
});

pageTest(
  "an invitation that comes is announced and offered; accepting opens the answer",
  { scenario: "normal" },
  async (page) => {
    await receive(page, `Frank <${FRANK}>`, `offer ${FRANK}`);
    await notified(page, /Invitation to chat.*frank@elsewhere\.test invites you/);
    await openConversation(page, FRANK);
    const panel = page.locator("#invitation-panel");
    assert.match(String(await panel.textContent()), /invites you to chat.*came by mail from this address/);
    assert.deepEqual(await axe(page), []);
    await page.locator("#accept-invitation").click();
    const mail = await mailOpened(page);
    assert.deepEqual([mail.to, mail.attachment[2]], [[FRANK], `answer ${ALICE}`]);
    assert.match(mail.subject, /Alice Archer accepts/);
    await page.locator("#answered-panel", { hasText: /proves to .* that you read this mailbox/ }).waitFor();
    await page.locator("#answer-again").click();
    await mailOpened(page, 2);
  },
);

pageTest(
  "of many mails that come at once all are looked into, for all that is wanted",
  { scenario: "normal" },
  async (page) => {
    const letter = "-----BEGIN CORELLA TOKENS-----\nab cd\n-----END CORELLA TOKENS-----";
    await page.locator('#own-status[data-online="true"]').waitFor();
    await page.evaluate(
      (address) =>
        /** @type {any} */ (globalThis).mock.host.certify(address, { enrolment: { state: "letter-coming" } }),
      ALICE,
    );
    await page.locator("#own-status").click();
    await page.locator(`.certificate[data-own="${ALICE}"][data-enrolment="letter-coming"]`).waitFor();
    await page.evaluate(
      ({ author, text }) => {
        const { mails } = /** @type {any} */ (globalThis).mock;
        const attachments = [{ name: "invitation.corella-invitation", content: `offer ${author}` }];
        setTimeout(() => mails.receive({}, {}, {}, { text }, {}, {}, {}, { author, attachments }), 0);
      },
      { author: FRANK, text: letter },
    );
    await notified(page, /frank@elsewhere\.test invites you/);
    await page.waitForFunction(() =>
      /** @type {any} */ (globalThis).mock.host.calls.some(
        (/** @type {any} */ { method }) => method === "identity/letter",
      ),
    );
  },
);

pageTest("an invitation can be put off or blocked", { scenario: "invitations" }, async (page) => {
  await openConversation(page, CAROL);
  const words = String(await page.locator("#invitation-panel").textContent()).replaceAll(/[\u2068\u2069]/g, "");
  assert.match(words, /Carol Cook \(carol@example\.test\) invites you/);
  assert.ok(await page.locator("#request-panel").isHidden(), "one decision at a time");
  await page.locator("#decline-invitation").click();
  await page.locator("#invitation-panel").waitFor({ state: "detached" });
  assert.equal((await calls(page, "invitations/decline")).length, 1);
  await receive(page, FRANK, `offer ${FRANK}`);
  await openConversation(page, FRANK);
  await page.locator("#block-invitation").click();
  await page.locator("#blocked-panel").waitFor();
  assert.deepEqual(await opened(page), [], "no mail");
});

pageTest(
  "an answer confirms the key, is announced, and its mail is marked as read",
  { scenario: "invitations" },
  async (page) => {
    await openConversation(page, ERIN);
    await page.locator("#invited-panel").waitFor();
    await receive(page, `Erin <${ERIN}>`, `answer ${ERIN}`);
    await page.locator('#person-trust[data-trust="pinned"]').waitFor();
    await page.locator("#invited-panel").waitFor({ state: "detached" });
    await notified(page, /Erin Example has accepted your invitation/);
    const updates = await page.evaluate(() =>
      /** @type {any} */ (globalThis).mock.done.filter((/** @type {any} */ { api }) => api === "messages.update"),
    );
    assert.deepEqual(
      updates.map((/** @type {any} */ { args }) => args[1]),
      [{ read: true }],
    );
  },
);

pageTest("a forged sender changes nothing, and is not shown", { scenario: "normal" }, async (page) => {
  await receive(page, `Carol <${CAROL}>`, "offer mallory@example.test");
  await receive(page, FRANK, `offer ${FRANK}`);
  await page.locator(`#conversation-list [data-address="${FRANK}"]`).waitFor();
  assert.equal(await page.locator('#conversation-list [data-address="mallory@example.test"]').count(), 0);
  await openConversation(page, CAROL);
  assert.equal(await page.locator("#invitation-panel").count(), 0);
  assert.ok(await page.locator("#error").isHidden());
});

pageTest(
  "who asks about a mail in which the invitation is not good is told why",
  { scenario: "normal" },
  async (page) => {
    await page.locator('#own-status[data-online="true"]').waitFor();
    await page.evaluate((author) => {
      const { mails, messenger } = /** @type {any} */ (globalThis).mock;
      const attachments = [{ name: "invitation.corella-invitation", content: "offer mallory@example.test" }];
      mails.displayed = mails.put({ author, junk: true, attachments });
      messenger.messageDisplayAction.onClicked.fire({ id: 1 });
    }, FRANK);
    await page.locator("#error", { hasText: "comes from another address than the invitation in it" }).waitFor();
    await page.locator(`#conversation[data-address="${FRANK}"]`).waitFor();
  },
);

pageTest(
  "without an account for the own address the user is told, and no mail is opened",
  { scenario: "normal" },
  async (page) => {
    await page.evaluate(() => {
      /** @type {any} */ (globalThis).mock.host.addresses = ["elsewhere@example.test"];
    });
    await openConversation(page, "nokey@example.test");
    await page.locator("#invite-keyless").click();
    await page.locator("#error", { hasText: "no mail account with your chat address" }).waitFor();
    assert.deepEqual(await opened(page), []);
  },
);
