import assert from "node:assert/strict";
import { calls, drive, openConversation, write } from "./browser.js";
import { pageTests } from "./page-tests.js";

const BOB = "bob@example.test";
const pageTest = pageTests();

pageTest("presence, note and trust stand in the heading and follow the host", { scenario: "normal" }, async (page) => {
  await openConversation(page, BOB);
  assert.match(String(await page.locator("#person-presence").textContent()), /Online.*in the office/);
  assert.match(String(await page.locator("#person-trust").textContent()), /Sealed, key confirmed/);
  await drive(page, "tell", "presence/changed", { address: BOB, status: "away" });
  await page.locator('#person-presence[data-status="away"]').waitFor();
  await page.locator(`#conversation-list [data-address="${BOB}"][data-status="away"]`).waitFor();
  for (const [address, words] of [
    ["carol@example.test", /certified/],
    ["dave@example.test", /not confirmed/],
    ["nokey@example.test", /No key/],
  ]) {
    await openConversation(page, String(address));
    assert.match(String(await page.locator("#person-trust").textContent()), /** @type {RegExp} */ (words));
  }
});

pageTest(
  "a request shows its message and asks; accepting opens the conversation",
  { scenario: "normal" },
  async (page) => {
    const address = "stranger@elsewhere.test";
    await openConversation(page, address);
    await page.locator("#request-panel").waitFor();
    assert.ok(await page.locator("#composer").isHidden());
    assert.match(String(await page.locator("#messages").textContent()), /we met at the fair/);
    await page.locator("#accept-request").click();
    await page.locator("#composer").waitFor();
    assert.ok(await page.locator("#request-panel").isHidden());
    assert.deepEqual(
      (await calls(page, "buddies/accept")).map(({ params }) => params),
      [{ address }],
    );
  },
);

pageTest(
  "a request can be blocked, and who is let go is a stranger, no buddy",
  { scenario: "normal" },
  async (page) => {
    const address = "stranger@elsewhere.test";
    await openConversation(page, address);
    await page.locator("#block-request").click();
    await page.locator("#blocked-panel").waitFor();
    assert.ok(await page.locator("#composer").isHidden());
    await page.locator("#unblock").click();
    await page.locator("#stranger-panel").waitFor();
    assert.equal((await calls(page, "buddies/add")).length, 0);
    assert.equal((await calls(page, "buddies/remove")).length, 1);
  },
);

pageTest("who was blocked can be a buddy again", { scenario: "normal" }, async (page) => {
  await openConversation(page, BOB);
  await page.locator("#person-trust").click();
  await page.locator("#block").click();
  // The key is the one the user confirmed.
  await page.getByText("Unblocking forgets that").waitFor();
  await page.locator("#add-blocked").click();
  await page.locator("#composer").waitFor();
  assert.ok(await page.locator("#blocked-panel").isHidden());
});

pageTest(
  "a key question shows every candidate, and only the chosen one is used",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, "dave@example.test");
    const candidates = page.locator("#question-panel .candidates li");
    assert.equal(await candidates.count(), 2);
    assert.equal(await candidates.nth(1).locator(".fingerprint").textContent(), "e2bb ".repeat(16).trim());
    assert.match(
      String(await page.locator("#question-panel").textContent()),
      /Several keys claim.*Nothing is sent until you choose/,
    );
    await candidates.nth(1).locator(".use-key").click();
    await page.locator("#question-panel").waitFor({ state: "detached" });
    assert.deepEqual(
      (await calls(page, "buddies/accept")).map(({ params }) => params),
      [{ address: "dave@example.test", fingerprint: "22bb".repeat(16) }],
    );
    await openConversation(page, "changed@example.test");
    assert.match(String(await page.locator("#question-panel").textContent()), /has changed.*pretends/);
  },
);

pageTest(
  "a link to somebody unknown opens an empty conversation, and does nothing by itself",
  { scenario: "normal", query: "link=sip%3ANew%40example.net%3Bx%3D1%3Fbody%3Dpwned" },
  async (page) => {
    await page.locator('#conversation[data-address="new@example.net"]').waitFor();
    await page.locator("#stranger-panel").waitFor();
    assert.equal(await page.locator("#composer-text").inputValue(), "");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "composer-text");
    const made = (await calls(page)).map(({ method }) => method);
    assert.deepEqual(
      made.filter((method) => /send|add|accept|presence/.test(method)),
      [],
    );
    await page.locator("#add-buddy").click();
    await page.locator("#stranger-panel").waitFor({ state: "detached" });
    assert.deepEqual(
      (await calls(page, "buddies/add")).map(({ params }) => params),
      [{ address: "new@example.net" }],
    );
  },
);

pageTest(
  "sending to somebody unknown makes them a buddy, with a link in their contact",
  { scenario: "normal", query: "link=im%3Aerin%40example.test" },
  async (page) => {
    await page.locator("#stranger-panel").waitFor();
    assert.equal(await page.locator("#person-name").textContent(), "Erin Example", "the address book knows the name");
    await write(page, "hi Erin");
    await page.locator(".message.out", { hasText: "hi Erin" }).waitFor();
    await page.locator("#stranger-panel").waitFor({ state: "detached" });
    await page.waitForFunction(() =>
      /** @type {any} */ (globalThis).mock.messenger.addressBooks.vCard("erin").includes("IMPP:sip:erin@example.test"),
    );
  },
);

pageTest(
  "a link that names nobody says so and opens nothing",
  { scenario: "normal", query: "link=sip%3Aexample.net" },
  async (page) => {
    assert.match(String(await page.locator("#error").textContent()), /does not name/);
    await page.locator("#no-conversation").waitFor();
  },
);

pageTest(
  "a new chat begins with a contact chosen by name, or with an address",
  { scenario: "normal" },
  async (page) => {
    await page.locator("#new-chat").click();
    await page.keyboard.type("erin");
    await page.locator("#new-chat-contacts li", { hasText: "Erin Example" }).click();
    await page.locator('#conversation[data-address="erin@example.test"]').waitFor();
    await page.locator("#new-chat").click();
    await page.keyboard.type("no address");
    await page.keyboard.press("Enter");
    await page.locator("#new-chat-problem").waitFor();
    await page.locator("#new-chat-address").fill("Somebody@Example.NET");
    await page.keyboard.press("Enter");
    await page.locator('#conversation[data-address="somebody@example.net"]').waitFor();
  },
);
