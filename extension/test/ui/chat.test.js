import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, calls, drive, openConversation } from "./browser.js";

/** @import { View } from "./browser.js" */
/** @import { Page } from "playwright-core" */

/** @type {Browser} */
let browser;
before(async () => {
  browser = await Browser.start();
});
after(() => browser.stop());

const BOB = "bob@example.test";

/**
 * A test on one page, which must have worked without errors in the page and without a request to elsewhere.
 * @param {string} name
 * @param {View} view
 * @param {(page: Page) => Promise<void>} body
 */
function pageTest(name, view, body) {
  test(name, async () => {
    const { page, problems, close } = await browser.open(view);
    await body(page);
    assert.deepEqual(problems, []);
    await close();
  });
}

/**
 * @param {Page} page
 * @param {string} text
 */
async function write(page, text) {
  await page.locator("#composer-text").fill(text);
  await page.locator("#composer-text").press("Enter");
}

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

pageTest("presence, note and trust stand in the heading and follow the host", { scenario: "normal" }, async (page) => {
  await openConversation(page, BOB);
  assert.match(String(await page.locator("#person-presence").textContent()), /Online.*in the office/);
  assert.match(String(await page.locator("#person-trust").textContent()), /Sealed.*confirmed by you/);
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

pageTest("a request can be blocked, and a block lifted", { scenario: "normal" }, async (page) => {
  const address = "stranger@elsewhere.test";
  await openConversation(page, address);
  await page.locator("#block-request").click();
  await page.locator("#blocked-panel").waitFor();
  assert.ok(await page.locator("#composer").isHidden());
  await page.locator("#unblock").click();
  await page.locator("#composer").waitFor();
  assert.equal((await calls(page, "buddies/add")).length, 1);
});

pageTest(
  "a key question shows every candidate, and only the chosen one is used",
  { scenario: "normal" },
  async (page) => {
    await openConversation(page, "dave@example.test");
    const candidates = page.locator("#question-panel .candidates li");
    assert.equal(await candidates.count(), 2);
    assert.equal(await candidates.nth(1).locator(".fingerprint").textContent(), "22bb ".repeat(16).trim());
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

pageTest("older messages come in above without moving what is read", { scenario: "long" }, async (page) => {
  await openConversation(page, BOB);
  assert.equal(await page.locator("#messages .message").count(), 50);
  const read = page.locator(".message", { hasText: /^message 250/ });
  // Measured at once: what scrolling sets off comes later.
  const before = await read.evaluate((element) => {
    document.getElementById("messages")?.scrollTo(0, 30);
    return element.getBoundingClientRect().top;
  });
  await page.waitForFunction(() => document.querySelectorAll("#messages .message").length === 100);
  const after = await read.evaluate((element) => element.getBoundingClientRect().top);
  assert.ok(Math.abs(after - before) < 2, "what was read stays where it was");
  const texts = await page.locator("#messages .text").allTextContents();
  assert.deepEqual(
    texts.map((line) => Number(/\d+/.exec(line))),
    Array.from({ length: 100 }, (_, index) => 200 + index),
    "in order, none twice",
  );
  const days = await page.locator("#messages .day").allTextContents();
  assert.equal(new Set(days).size, days.length, "each day has one heading");
});

pageTest(
  "search: results with their marks; a click leads to the message in its conversation, set apart",
  { scenario: "long" },
  async (page) => {
    await page.locator("#search-input").fill("needle");
    await page.locator("#search-list .hit").first().waitFor();
    assert.match(String(await page.locator("#search-status").textContent()), /6 messages found/);
    assert.deepEqual(await page.locator("#search-list mark").allTextContents(), Array(6).fill("needle"));
    assert.ok(await page.locator("#conversation-list").isHidden());
    await page.locator("#search-list .hit").nth(1).click();
    const found = page.locator(".message.found");
    await found.waitFor();
    assert.match(String(await found.textContent()), /message 57 with a needle/);
    assert.ok(await found.evaluate((element) => element === document.activeElement));
    await page.waitForFunction(() => {
      const box = document.querySelector(".found")?.getBoundingClientRect();
      const log = document.getElementById("messages")?.getBoundingClientRect();
      return box && log && box.top >= log.top && box.bottom <= log.bottom;
    });
    await page.locator("#jump-newest").click();
    await page.locator(".message", { hasText: "message 299" }).waitFor();
  },
);

pageTest(
  "after a jump, going down reaches the newest messages, none missing, none twice",
  { scenario: "long" },
  async (page) => {
    await page.locator("#search-input").fill("needle");
    await page.locator("#search-list .hit").nth(3).click();
    await page.locator(".message.found").waitFor();
    for (let round = 0; round < 20 && (await page.locator("#jump-newest").isVisible()); round++) {
      await page.locator("#messages").evaluate((log) => log.scrollTo(0, log.scrollHeight));
      await page.locator("#messages:not([aria-busy])").waitFor();
      await page.waitForTimeout(50);
    }
    const numbers = (await page.locator("#messages .text").allTextContents()).map((line) => Number(/\d+/.exec(line)));
    assert.equal(numbers.at(-1), 299);
    assert.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, index) => 300 - numbers.length + index),
    );
  },
);

pageTest(
  "a search that is not understood says which part; nothing found says so",
  { scenario: "long" },
  async (page) => {
    await page.locator("#search-input").fill("before:soon");
    await page.locator("#search-status", { hasText: "before:soon" }).waitFor();
    await page.locator("#search-input").fill("nowhere to be found");
    await page.locator("#search-status", { hasText: "Nothing found" }).waitFor();
  },
);

pageTest("many results come in pages", { scenario: "long" }, async (page) => {
  await page.locator("#search-input").fill("message");
  await page.locator("#search-more").waitFor();
  assert.equal(await page.locator("#search-list .hit").count(), 50);
  await page.locator("#search-more").click();
  await page.waitForFunction(() => document.querySelectorAll("#search-list .hit").length === 100);
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
