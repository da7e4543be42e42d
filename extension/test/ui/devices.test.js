import assert from "node:assert/strict";
import { calls, openDevices } from "./browser.js";
import { pageTests } from "./page-tests.js";
import { KEPT_SECRET } from "../../dev/mock/scenarios.js";

/** @import { Page } from "playwright-core" */

const ALICE = "alice@example.test";
const SECOND = "alice.archer@example.test";
const NEW_SECRET = "copper lantern twelve";
const pageTest = pageTests();

/**
 * @param {Page} page
 * @param {string} secret
 * @param {string} [again] absent: another device keeps it already
 */
async function send(page, secret, again) {
  await page.locator(again === undefined ? "#devices-way-fetch" : "#devices-way-keep").check();
  await page.locator("#devices-secret").fill(secret);
  if (again !== undefined) {
    await page.locator("#devices-secret-again").fill(again);
  }
  await page.locator("#devices-submit").click();
}

/**
 * @param {Page} page
 * @param {RegExp} words
 */
async function refused(page, words) {
  await page.locator("#devices-problem", { hasText: words }).waitFor();
  await page.locator('#devices-form[aria-busy="true"]').waitFor({ state: "detached" });
}

/** @param {Page} page */
async function opened(page) {
  return (await calls(page, "roaming/open")).map(({ params }) => params);
}

/**
 * The line of an address says so.
 * @param {Page} page
 * @param {boolean} roaming
 * @param {RegExp} words
 * @param {string} [address]
 */
async function told(page, roaming, words, address = ALICE) {
  await page.locator(`.devices[data-address="${address}"][data-roaming="${roaming}"] p`, { hasText: words }).waitFor();
}

/** @param {Page} page */
function focused(page) {
  return page.evaluate(() => {
    const element = /** @type {HTMLElement} */ (document.activeElement);
    return element.id || element.parentElement?.dataset.address || element.tagName;
  });
}

/**
 * Nothing is left in the fields; the page hears that the dialog closed only after it did.
 * @param {Page} page
 */
async function emptied(page) {
  await page.waitForFunction(() =>
    ["devices-secret", "devices-secret-again"].every(
      (id) => /** @type {HTMLInputElement} */ (document.getElementById(id)).value === "",
    ),
  );
}

/**
 * The host answers nothing until `answer`.
 * @param {Page} page
 */
async function pause(page) {
  await page.evaluate(() => {
    const world = /** @type {any} */ (globalThis);
    world.mock.host.pause = new Promise((resolve) => {
      world.answer = resolve;
    });
  });
}

/** @param {Page} page */
function answer(page) {
  return page.evaluate(() => {
    const world = /** @type {any} */ (globalThis);
    world.mock.host.pause = null;
    world.answer();
  });
}

pageTest(
  "the first device keeps its list under a secret that was typed twice and is long enough",
  { scenario: "devices" },
  async (page) => {
    await openDevices(page);
    await send(page, "eleven char", "eleven char");
    await refused(page, /too short.*16 characters/);
    assert.equal(await focused(page), "devices-secret");
    await send(page, NEW_SECRET, `${NEW_SECRET}!`);
    await refused(page, /differ/);
    assert.equal(await focused(page), "devices-secret-again");
    assert.deepEqual(await opened(page), [], "nothing is sent before it is right");
    assert.equal(await page.locator("#devices-secret").getAttribute("autocomplete"), "new-password");
    await send(page, NEW_SECRET, NEW_SECRET);
    await told(page, true, /is kept for your other devices now\. 6 people.*No other device/);
    assert.deepEqual(await opened(page), [{ address: ALICE, secret: NEW_SECRET, create: true, credential: true }]);
    assert.ok(await page.locator("#devices-dialog").isHidden());
    assert.equal(await focused(page), ALICE);
    assert.match(String(await page.locator("#announcer").textContent()), /6 people/);
    await told(page, false, /on this device only/, SECOND);
  },
);

pageTest(
  "another device fetches it: a wrong secret can be corrected, the right one brings the people",
  { scenario: "devices" },
  async (page) => {
    const frank = page.locator('#conversation-list [data-address="frank@example.test"]');
    await openDevices(page);
    await send(page, "walnut harbor seven");
    await refused(page, /Nothing was found.*mistyped.*Nothing was changed/);
    assert.equal(await focused(page), "devices-secret");
    assert.equal(await page.locator("#devices-secret").inputValue(), "walnut harbor seven");
    assert.equal(await page.locator("#devices-secret").getAttribute("aria-invalid"), "true");
    assert.equal(await page.locator("#devices-secret").getAttribute("autocomplete"), "current-password");
    assert.ok(await page.locator("#devices-secret-again").isHidden(), "typed once");
    assert.equal(await frank.count(), 0);
    await page.locator("#devices-secret").fill(KEPT_SECRET);
    await page.keyboard.press("Enter");
    await told(page, true, /7 people.*2 other devices/);
    await frank.waitFor();
    assert.deepEqual(
      (await opened(page)).map(({ create }) => create),
      [undefined, undefined],
    );
  },
);

pageTest("numbers are worded: one person, one device", { scenario: "devices", language: "de" }, async (page) => {
  await page.evaluate(() => {
    const { host } = /** @type {any} */ (globalThis).mock;
    host.buddies.clear();
    host.kept.devices = 1;
  });
  await openDevices(page);
  await send(page, KEPT_SECRET);
  await told(page, true, /enthält 1 Person\. 1 anderes Gerät benutzt/);
});

pageTest("before the host is on line nobody can be asked, which is said", { scenario: "joining" }, async (page) => {
  await openDevices(page);
  await send(page, KEPT_SECRET);
  await refused(page, /Nobody on the network can be asked.*Nothing was changed/);
  assert.equal(await page.locator("#devices-secret").getAttribute("aria-invalid"), null);
  assert.equal(await page.locator("#devices-secret").inputValue(), KEPT_SECRET);
  assert.equal(await focused(page), "devices-submit");
});

pageTest(
  "an address stops keeping its list, after it is said what that does; the other address goes on",
  { scenario: "devices" },
  async (page) => {
    for (const address of [ALICE, SECOND]) {
      await openDevices(page, address);
      await send(page, NEW_SECRET, NEW_SECRET);
      await told(page, true, /now/, address);
    }
    await openDevices(page, SECOND);
    assert.ok(await page.locator("#devices-form").isHidden());
    assert.equal(await page.locator("#devices-address").textContent(), SECOND);
    assert.match(String(await page.locator("#devices-kept").textContent()), /no longer takes part.*stays as it is/);
    assert.equal(await focused(page), "devices-close", "Enter alone ends nothing");
    await page.locator("#devices-stop").click();
    await told(page, false, /no longer keeps.*stays as it is/, SECOND);
    assert.deepEqual(
      (await calls(page, "roaming/close")).map(({ params }) => params),
      [{ address: SECOND }],
    );
    await told(page, true, /other devices/);
    assert.equal(await focused(page), SECOND);
    await page.keyboard.press("Escape");
    await page.locator("#own-status").click();
    await told(page, false, /on this device only/, SECOND);
  },
);

pageTest(
  "while the network is asked the form is busy, and nothing is sent twice",
  { scenario: "devices" },
  async (page) => {
    await openDevices(page);
    await pause(page);
    await send(page, KEPT_SECRET);
    await page.locator('#devices-form[aria-busy="true"]').waitFor();
    assert.match(String(await page.locator("#devices-progress").textContent()), /Asking/);
    assert.ok(await page.locator("#devices-submit").isDisabled());
    assert.equal(await page.locator("#devices-secret").isEditable(), false);
    await page.locator("#devices-secret").press("Enter");
    await page.locator("#devices-form").evaluate((form) => form.dispatchEvent(new Event("submit")));
    await answer(page);
    await told(page, true, /now/);
    assert.equal((await opened(page)).length, 1);
    assert.equal(await page.locator("#devices-progress").textContent(), "");
  },
);

pageTest(
  "whoever closes the dialog meanwhile learns all the same what came of it",
  { scenario: "devices" },
  async (page) => {
    await openDevices(page);
    await pause(page);
    await send(page, "walnut harbor seven");
    await page.locator("#devices-close").click();
    await openDevices(page, SECOND);
    assert.ok(await page.locator("#devices-submit").isDisabled(), "the one before is not answered yet");
    await answer(page);
    await page.locator("#error", { hasText: /Nothing was found/ }).waitFor();
    assert.equal(await page.locator("#devices-problem").textContent(), "", "not about this address");
    await page.locator("#devices-submit:enabled").waitFor();
    await page.locator("#devices-close").click();
    await openDevices(page);
    await pause(page);
    await send(page, KEPT_SECRET);
    await page.locator("#devices-close").click();
    await openDevices(page, SECOND);
    await answer(page);
    await told(page, true, /2 other devices/);
    assert.ok(await page.locator("#devices-dialog").isVisible());
    await told(page, false, /only/, SECOND);
  },
);

pageTest(
  "the secret is in that one call and nowhere else, and the fields are empty when the dialog is closed",
  { scenario: "devices" },
  async (page) => {
    await openDevices(page);
    for (const close of [() => page.keyboard.press("Escape"), () => page.locator("#devices-close").click()]) {
      await page.locator("#devices-show").check();
      assert.equal(await page.locator("#devices-secret-again").getAttribute("type"), "text");
      await page.locator("#devices-secret").fill(KEPT_SECRET);
      await page.locator("#devices-secret-again").fill(KEPT_SECRET);
      await close();
      await page.locator("#devices-dialog").waitFor({ state: "hidden" });
      assert.ok(await page.locator("#own-status-panel").isVisible(), "only the dialog closes");
      await emptied(page);
      assert.equal(await page.locator("#devices-secret").getAttribute("type"), "password");
      assert.equal(await focused(page), ALICE);
      await openDevices(page);
    }
    await send(page, KEPT_SECRET);
    await told(page, true, /now/);
    await emptied(page);
    const made = await calls(page);
    assert.deepEqual(
      made.filter((call) => JSON.stringify(call).includes(KEPT_SECRET)).map(({ method }) => method),
      ["roaming/open"],
    );
    const elsewhere = await page.evaluate(() => {
      const { done, messenger } = /** @type {any} */ (globalThis).mock;
      const stored = { ...messenger.storage.local.data, ...localStorage, ...sessionStorage };
      return JSON.stringify([done, stored, location.href, document.documentElement.outerHTML]);
    });
    assert.match(elsewhere, /alice@example\.test/, "what is looked through holds what the add-on keeps");
    assert.ok(!elsewhere.includes(KEPT_SECRET));
  },
);

pageTest("all of it by keyboard", { scenario: "devices" }, async (page) => {
  await page.locator("#own-status").focus();
  await page.keyboard.press("Enter");
  await page.locator(".devices").first().waitFor();
  for (let step = 0; step < 10 && (await focused(page)) !== ALICE; step++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.locator("#devices-dialog").waitFor();
  assert.equal(await focused(page), "devices-way-keep");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "devices-secret");
  await page.keyboard.type(KEPT_SECRET);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  assert.equal(await page.locator("#devices-secret").getAttribute("type"), "text");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await told(page, true, /now/);
  await page.waitForFunction((address) => {
    const parent = document.activeElement?.parentElement;
    return parent?.dataset.address === address && parent.dataset.roaming === "true";
  }, ALICE);
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "devices-close");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await told(page, false, /no longer keeps/);
});

pageTest("settings follow the user from device to device", { scenario: "devices" }, async (page) => {
  const box = page.locator("#own-status-address-book");
  const settings = () => page.evaluate(() => /** @type {any} */ (globalThis).mock.host.settings);
  await openDevices(page);
  await send(page, KEPT_SECRET);
  await told(page, true, /./);
  // No device has set any yet, so this one's are kept.
  await page.waitForFunction(() => /** @type {any} */ (globalThis).mock.host.settings.addressBook === "true");
  await page.evaluate(() =>
    /** @type {any} */ (globalThis).mock.host.tell("settings/changed", { name: "addressBook", value: "false" }),
  );
  await page.locator("#own-status-address-book:not(:checked)").waitFor();
  await box.check();
  await page.waitForFunction(() => /** @type {any} */ (globalThis).mock.host.settings.addressBook === "true");
  assert.deepEqual(await settings(), { addressBook: "true" });
});
