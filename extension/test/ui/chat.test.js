import assert from "node:assert/strict";
import { calls, drive, openConversation, write } from "./browser.js";
import { pageTests } from "./page-tests.js";

const BOB = "bob@example.test";
const pageTest = pageTests();

pageTest(
  "a message is sent with Enter, and its state is told in words as it rises",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, BOB);
    await write(page, "hello there");
    const message = page.locator(".message.out", { hasText: "hello there" });
    await message.waitFor();
    assert.equal(await page.locator("#composer-text").inputValue(), "");
    const { id, sequence, at } = await page.evaluate(() => /** @type {any} */ (globalThis).mock.host.messages.at(-1));
    for (const [state, words] of [
      ["pending", /waiting/i],
      ["sent", /sent/i],
      ["delivered", /delivered/i],
      ["read", /read/i],
    ]) {
      await drive(page, "put", { with: BOB, id, sequence, at, state });
      await page.locator(`.message[data-id="${id}"][data-state="${state}"]`).waitFor();
      assert.match(
        String(await message.getByRole("img").last().getAttribute("aria-label")),
        /** @type {RegExp} */ (words),
      );
    }
    assert.equal(await message.count(), 1, "one message, whatever its state");
  },
);

pageTest(
  "Shift+Enter begins a new line; Enter while a character is composed does not send",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, BOB);
    await page.locator("#composer-text").focus();
    await page.keyboard.type("one");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("two");
    await page.evaluate(() => {
      const event = new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true });
      document.getElementById("composer-text")?.dispatchEvent(event);
    });
    assert.equal(await page.locator("#composer-text").inputValue(), "one\ntwo");
    await page.keyboard.press("Enter");
    await page.locator(".message.out", { hasText: "two" }).waitFor();
    assert.deepEqual(
      (await calls(page, "messages/send")).map(({ params }) => params),
      [{ to: BOB, text: "one\ntwo" }],
    );
  },
);

pageTest("what could not be sent comes back, with the reason", { scenario: "normal" }, async (page) => {
  await openConversation(page, BOB);
  await drive(page, "putBuddy", BOB, { consent: "blocked" });
  await page.locator("#blocked-panel").waitFor();
  await drive(page, "putBuddy", BOB, { consent: "buddy" });
  await page.locator("#composer").waitFor();
  await page.evaluate(() => {
    const { host } = /** @type {any} */ (globalThis).mock;
    host.buddies.get("bob@example.test").consent = "blocked";
  });
  await write(page, "precious words");
  await page.locator("#error").waitFor();
  assert.match(String(await page.locator("#error").textContent()), /blocked/);
  assert.equal(await page.locator("#composer-text").inputValue(), "precious words");
});

pageTest(
  "what was begun for one person is kept while another conversation is open",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, BOB);
    await page.locator("#composer-text").fill("half a thought");
    await openConversation(page, "carol@example.test");
    assert.equal(await page.locator("#composer-text").inputValue(), "");
    await openConversation(page, BOB);
    assert.equal(await page.locator("#composer-text").inputValue(), "half a thought");
  },
);

pageTest("a text over 32 KB is not sent, and the user is told before", { scenario: "normal" }, async (page) => {
  await openConversation(page, BOB);
  await page.locator("#composer-text").fill("ä".repeat(16_384));
  assert.match(String(await page.locator("#composer-limit").textContent()), /0 more bytes/);
  assert.ok(await page.locator("#composer-send").isEnabled());
  await page.locator("#composer-text").fill(`${"ä".repeat(16_384)}!`);
  assert.match(String(await page.locator("#composer-limit").textContent()), /Too long by 1 byte/);
  await page.locator("#composer-text").press("Enter");
  assert.ok(await page.locator("#composer-send").isDisabled());
  assert.equal((await calls(page, "messages/send")).length, 0);
});

pageTest(
  "an arriving message is shown and spoken; where the user looks, it is marked as read",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, BOB);
    const { id } = await drive(page, "put", { with: BOB, text: "ping" });
    await page.locator(".message.in", { hasText: "ping" }).waitFor();
    await page.locator("#announcer", { hasText: "ping" }).waitFor({ state: "attached" });
    await page.waitForFunction(
      (last) =>
        /** @type {any} */ (globalThis).mock.host.calls.some(
          (/** @type {any} */ call) => call.method === "messages/markRead" && call.params.upTo === last,
        ),
      id,
    );
    await drive(page, "put", { with: "carol@example.test", text: "elsewhere" });
    await page.locator('[data-address="carol@example.test"][data-unread="3"]').waitFor();
    const shown = await page.evaluate(() =>
      /** @type {any} */ (globalThis).mock.done
        .filter((/** @type {any} */ call) => call.api === "notifications.create")
        .map((/** @type {any} */ call) => call.args[0]),
    );
    assert.deepEqual(
      shown,
      ["chat:carol@example.test"],
      "a notification of what is not before the eyes, and of nothing else",
    );
  },
);

pageTest(
  "opening a conversation reads it, and the badge on the space goes down",
  { scenario: "normal" },
  async (page) => {
    const badge = () =>
      page.evaluate(
        () =>
          /** @type {any} */ (globalThis).mock.done.findLast((/** @type {any} */ call) => call.api === "spaces.update")
            ?.args[1].badgeText,
      );
    await page.waitForFunction(() =>
      /** @type {any} */ (globalThis).mock.done.some((/** @type {any} */ call) => call.api === "spaces.update"),
    );
    assert.equal(await badge(), "3");
    await openConversation(page, "carol@example.test");
    await page.locator('[data-address="carol@example.test"][data-unread="0"]').waitFor();
    await page.waitForFunction(
      () =>
        /** @type {any} */ (globalThis).mock.done.findLast((/** @type {any} */ call) => call.api === "spaces.update")
          .args[1].badgeText === "1",
    );
  },
);

pageTest(
  "failed messages say why and can be tried again; unsealed ones say so",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, BOB);
    const failed = page.locator('.message[data-state="failed"]');
    assert.match(String(await failed.locator(".reason").textContent()), /Bob Baker.* declined/);
    const id = await failed.getAttribute("data-id");
    await failed.locator(".retry").click();
    await page.locator(`.message[data-id="${id}"][data-state="pending"]`).waitFor();
    assert.deepEqual(
      (await calls(page, "messages/retry")).map(({ params }) => params),
      [{ with: BOB, id }],
    );
    assert.match(String(await page.locator('.message[data-sealed="false"]').textContent()), /Not sealed/);
    assert.match(
      String(await page.locator('.message[data-state="pending"] .reason').first().textContent()),
      /cannot be reached now/,
    );
  },
);

pageTest("own status and note are set, and shown", { scenario: "normal" }, async (page) => {
  await page.locator("#own-status").click();
  await page.locator('#own-status-choices input[value="away"]').check();
  await page.locator("#own-status-note").fill("back at three");
  await page.locator("#own-status-save").click();
  await page.locator('#own-status[data-status="away"]').waitFor();
  assert.deepEqual(
    (await calls(page, "presence/set")).map(({ params }) => params),
    [{ status: "away", note: "back at three" }],
  );
  await page.locator("#own-status").click();
  assert.equal(await page.locator("#own-status-note").inputValue(), "back at three");
  await page.locator("#own-identities .fingerprint").waitFor();
});

pageTest("until the host is on line, nobody is told that one is", { scenario: "joining" }, async (page) => {
  assert.equal(await page.locator("#own-status").getAttribute("data-online"), "false");
  assert.match(String(await page.locator("#own-status").textContent()), /Not connected/);
});

pageTest(
  "when the host dies, the page says so, shows nobody as online, and recovers by itself",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, BOB);
    await page.locator("#composer-text").fill("not lost");
    await drive(page, "kill");
    await page.locator('#host-notice[data-state="crashed"]').waitFor();
    await page.locator(`#conversation-list [data-address="${BOB}"][data-status="offline"]`).waitFor();
    await page.locator("#host-notice").waitFor({ state: "hidden" });
    await page.locator(`#conversation-list [data-address="${BOB}"][data-status="online"]`).waitFor();
    assert.equal(await page.locator("#composer-text").inputValue(), "not lost");
    await page.locator("#composer-text").press("Enter");
    await page.locator(".message.out", { hasText: "not lost" }).waitFor();
  },
);

pageTest("the address book shows buddies' status, and can be told not to", { scenario: "normal" }, async (page) => {
  const card = (/** @type {string} */ id) =>
    page.evaluate((name) => /** @type {any} */ (globalThis).mock.messenger.addressBooks.vCard(name), id);
  await page.waitForFunction(() =>
    /** @type {any} */ (globalThis).mock.messenger.addressBooks.vCard("bob").includes("Online"),
  );
  assert.match(await card("bob"), /NICKNAME:●\u2060 Online – in the office/);
  assert.match(await card("carol"), /NICKNAME:Caz\r\n/);
  await page.locator("#own-status").click();
  await page.locator("#own-status-address-book").uncheck();
  await page.waitForFunction(
    () => !/NICKNAME|PHOTO/.test(/** @type {any} */ (globalThis).mock.messenger.addressBooks.vCard("bob")),
  );
});
