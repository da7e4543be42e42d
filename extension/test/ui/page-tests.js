import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser } from "./browser.js";

/** @import { View } from "./browser.js" */
/** @import { Page } from "playwright-core" */

/**
 * Tests that share one browser. Each has a page of its own, which must have worked without errors in the page and
 * without a request to elsewhere.
 */
export function pageTests() {
  /** @type {Browser} */
  let browser;
  before(async () => {
    browser = await Browser.start();
  });
  after(() => browser.stop());
  /**
   * @param {string} name
   * @param {View} view
   * @param {(page: Page) => Promise<void>} body
   */
  return (name, view, body) => {
    test(name, async () => {
      const { page, problems, close } = await browser.open(view);
      await body(page);
      assert.deepEqual(problems, []);
      await close();
    });
  };
}
