import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { axe, calls, drive, openDevices } from "./browser.js";
import { pageTests } from "./page-tests.js";
import { KEPT_SECRET } from "../../dev/mock/scenarios.js";

/** @import { Page } from "playwright-core" */

const ALICE = "alice@example.test";
const SECOND = "alice.archer@example.test";
const pageTest = pageTests();
const ONBOARDING = /** @type {const} */ ({ scenario: "second-device", page: "onboarding.html" });

/**
 * @param {Page} page
 * @param {RegExp} words
 */
async function refused(page, words) {
  await page.locator("#already-problem", { hasText: words }).waitFor();
  await page.locator('#already-form[aria-busy="true"]').waitFor({ state: "detached" });
}

/** @param {Page} page */
async function methods(page) {
  const asked = await calls(page);
  return asked.map(({ method }) => method).filter((method) => /fetch|import/i.test(method));
}

pageTest("address and secret are enough for who already uses Corella", ONBOARDING, async (page) => {
  await page.locator("#already summary").click();
  await page.locator(`#identities input[value="${SECOND}"]`).check();
  await page.locator("#already-address", { hasText: SECOND }).waitFor();
  assert.deepEqual(await axe(page), []);
  await page.locator("#already-secret").fill("fifteen letters");
  await page.locator("#already-submit").click();
  await refused(page, /at least 16 characters/);
  assert.deepEqual(await methods(page), [], "a short secret goes nowhere");
  await page.locator("#already-secret").fill(`${KEPT_SECRET}!`);
  await page.locator("#already-submit").click();
  await refused(page, /Nothing was found for this address/);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "already-secret");
  await page.locator("#already-secret").fill(KEPT_SECRET);
  await page.locator("#already-submit").click();
  await page.waitForURL(/chat\.html/);
});

pageTest("a list without the identity is told from nothing", ONBOARDING, async (page) => {
  await page.evaluate(() => {
    /** @type {any} */ (globalThis).mock.host.kept.portable = false;
  });
  await page.locator("#already summary").click();
  await page.locator("#already-secret").fill(KEPT_SECRET);
  await page.locator("#already-submit").click();
  await refused(page, /buddy list was found, but the other device does not keep your identity/);
});

pageTest("a backup file is the other way", ONBOARDING, async (page) => {
  await page.locator("#already summary").click();
  await page.locator("#already-way-file").check();
  assert.equal(await page.locator("#already-secret").isVisible(), false);
  assert.deepEqual(await axe(page), []);
  await page.locator("#already-submit").click();
  await refused(page, /Choose a file first/);
  const buffer = Buffer.from("a certificate");
  await page.locator("#already-file").setInputFiles({ name: "a.p12", mimeType: "application/x-pkcs12", buffer });
  await page.locator("#already-passphrase").fill("wrong");
  await page.locator("#already-submit").click();
  await refused(page, /does not open the file/);
  await page.locator("#already-passphrase").fill("right");
  await page.locator("#already-submit").click();
  await page.waitForURL(/chat\.html/);
});

/**
 * The host answers nothing until `answer`; with it the page goes on to the chat.
 * @param {Page} page
 */
function pause(page) {
  return page.evaluate(() => {
    const world = /** @type {any} */ (globalThis);
    world.mock.host.pause = new Promise((resolve) => {
      world.answer = resolve;
    });
  });
}

/**
 * What the host was asked as the page went on to the chat.
 * @param {Page} page
 * @param {string} button
 */
async function enrolled(page, button) {
  await pause(page);
  await page.locator(button).click();
  for (const id of ["#go-online", "#lost-only-go"]) {
    await page.locator(`${id}[disabled]`).waitFor({ state: "attached" });
  }
  await page.waitForFunction(() =>
    /** @type {any} */ (globalThis).mock.host.calls.some(
      (/** @type {any} */ { method }) => method === "identity/enrol",
    ),
  );
  const asked = await calls(page, "identity/enrol");
  await page.evaluate(() => /** @type {any} */ (globalThis).answer());
  await page.waitForURL(/chat\.html/);
  return asked.map(({ params }) => params);
}

pageTest("who has lost the only device has its key declared void", ONBOARDING, async (page) => {
  const go = page.locator("#lost-only-go");
  assert.equal(await go.isVisible(), false, "it is not in the way");
  await page.locator("#lost-only summary").click();
  await page.locator(`#identities input[value="${SECOND}"]`).check();
  await page.locator("#lost-only-address", { hasText: SECOND }).waitFor();
  const words = String(await page.locator("#lost-only").textContent());
  assert.match(words, /declares the former ones void/);
  assert.match(words, /Without an authority the lost key cannot be declared void/);
  assert.match(words, /I already use Corella/);
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(await enrolled(page, "#lost-only-go"), [{ address: SECOND, revokeOthers: true }]);
});

pageTest("who goes online as usual has nothing declared void", ONBOARDING, async (page) => {
  assert.deepEqual(await enrolled(page, "#go-online"), [{ address: ALICE }]);
});

pageTest("what failed on the first page can be tried again", ONBOARDING, async (page) => {
  await page.locator("#lost-only summary").click();
  const certificates = (/** @type {boolean} */ there) =>
    page.evaluate((yes) => {
      /** @type {any} */ (globalThis).mock.host.certificates = yes ? new Map() : null;
    }, there);
  await certificates(false);
  await page.locator("#lost-only-go").click();
  await page.locator("#error", { hasText: "Something went wrong" }).waitFor();
  await page.locator("#go-online:enabled").waitFor();
  await certificates(true);
  await page.locator("#lost-only-go:enabled").click();
  await page.waitForURL(/chat\.html/);
});

pageTest("a secret is suggested, seen, and good for the identity", { scenario: "normal" }, async (page) => {
  await openDevices(page);
  await page.locator("#devices-suggest").click();
  const value = (/** @type {string} */ id) =>
    page.locator(id).evaluate((one) => {
      const { type, value } = /** @type {HTMLInputElement} */ (one);
      return { type, value };
    });
  const first = await value("#devices-secret");
  assert.match(first.value, /^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
  assert.equal(first.type, "text");
  assert.deepEqual(await value("#devices-secret-again"), first);
  assert.deepEqual(await axe(page), []);
  await page.locator("#devices-submit").click();
  await page.locator('.devices[data-portable="true"]', { hasText: "Your buddy list is kept" }).waitFor();
  const [{ params } = { params: null }] = await calls(page, "roaming/open");
  assert.deepEqual(params, { address: ALICE, secret: first.value, create: true, credential: true });
  await openDevices(page);
  await page.locator("#devices-portable", { hasText: "I already use Corella" }).waitFor();
});

pageTest("who keeps the identity to themselves may have a shorter secret", { scenario: "normal" }, async (page) => {
  await openDevices(page);
  await page.locator("#devices-secret").fill("twelve chars");
  await page.locator("#devices-secret-again").fill("twelve chars");
  await page.locator("#devices-submit").click();
  await page.locator("#devices-problem", { hasText: "at least 16" }).waitFor();
  await page.locator("#devices-credential").uncheck();
  await page.locator("#devices-submit").click();
  await page.locator('.devices[data-roaming="true"][data-portable="false"]').waitFor();
});

pageTest("the backup is a file under the passphrase that was typed twice", { scenario: "normal" }, async (page) => {
  await page.locator("#own-status").click();
  await page.locator(`.certificate[data-own="${ALICE}"] .backup`).click();
  assert.deepEqual(await axe(page), []);
  const submit = page.locator("#backup-submit");
  const problem = page.locator("#backup-problem");
  await page.locator("#backup-passphrase").fill("too short");
  await submit.click();
  await problem.getByText(/at least 12 characters/).waitFor();
  await page.locator("#backup-passphrase").fill("a passphrase of mine");
  await page.locator("#backup-passphrase-again").fill("a passphrase of yours");
  await submit.click();
  await problem.getByText(/differ/).waitFor();
  assert.deepEqual(await calls(page, "identity/export"), []);
  await page.locator("#backup-passphrase-again").fill("a passphrase of mine");
  await submit.click();
  const save = page.locator("#backup-file");
  await save.waitFor();
  assert.deepEqual(await axe(page), []);
  const [download] = await Promise.all([page.waitForEvent("download"), save.click()]);
  assert.equal(download.suggestedFilename(), `corella-${ALICE}.p12`);
  assert.equal(String(await readFile(await download.path())), `a backup of ${ALICE}`);
  await page.locator("#backup-close").click();
  const left = await page.locator("#backup-passphrase").evaluate((one) => /** @type {HTMLInputElement} */ (one).value);
  assert.equal(left, "");
  assert.equal(await save.count(), 0);
});

pageTest("a new device is told of until the user knows it", { scenario: "normal" }, async (page) => {
  const box = page.locator("#new-devices");
  assert.equal(await box.isVisible(), false);
  const at = Date.UTC(2031, 4, 17, 12);
  for (const device of ["12D3KooWfirst", "12D3KooWsecond", "12D3KooWfirst"]) {
    await drive(page, "tell", "notice", { kind: "new-device", address: ALICE, device, at });
  }
  await box.locator('[data-device="12D3KooWsecond"]').waitFor();
  await box.locator('[data-device="12D3KooWfirst"]').waitFor();
  assert.equal(await box.locator("[data-device]").count(), 2);
  const words = String(await box.textContent()).replaceAll(/[\u2068\u2069]/g, "");
  assert.match(words, /A new device uses your address alice@example.test since May 17, 2031/);
  const { width = 0 } = (await box.boundingBox()) ?? {};
  assert.equal(width, page.viewportSize()?.width, "it is as wide as the page");
  assert.match(words, /If that was not you: declare the key void/);
  assert.deepEqual(await axe(page), []);
  const stored = () =>
    page.evaluate(() => /** @type {any} */ (globalThis).mock.messenger.storage.local.data.newDevices?.length);
  assert.equal(await stored(), 2);
  await page.locator("#new-devices-known").click();
  await box.waitFor({ state: "hidden" });
  assert.equal(await stored(), 0);
});
