import assert from "node:assert/strict";
import { openConversation } from "./browser.js";
import { pageTests } from "./page-tests.js";

const BOB = "bob@example.test";
const pageTest = pageTests();

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
      const last = await page.locator("#messages .text").last().textContent();
      await page.locator("#messages").evaluate((log) => log.scrollTo(0, log.scrollHeight));
      await page.waitForFunction(
        (before) =>
          [...document.querySelectorAll("#messages .text")].at(-1)?.textContent !== before ||
          !document.getElementById("jump-newest")?.checkVisibility(),
        last,
      );
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
