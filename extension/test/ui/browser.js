/** Opens the add-on's pages on the mock host in headless Chromium. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { serve } from "../../dev/server.js";

/** @import { Page } from "playwright-core" */

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * @typedef {object} View
 * @property {string} scenario
 * @property {string} [page] file name in src/pages
 * @property {string} [query] more of the address, such as `link=sip%3Abob%40example.net`
 * @property {string} [language]
 * @property {"ltr" | "rtl"} [direction]
 * @property {"light" | "dark"} [scheme]
 * @property {"active" | "none"} [forcedColors]
 * @property {{width: number, height: number}} [size]
 */

export class Browser {
  #server;
  #browser;
  #port;

  static async start() {
    const server = await serve(0);
    const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
    const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
    return new Browser(server, browser);
  }

  /**
   * @param {import("node:http").Server} server
   * @param {import("playwright-core").Browser} browser
   */
  constructor(server, browser) {
    this.#server = server;
    this.#browser = browser;
    const address = server.address();
    this.#port = typeof address === "object" ? address?.port : 0;
  }

  /**
   * Opens a page; what goes wrong in it, errors and refused requests to elsewhere, is collected in `problems`.
   * @param {View} view
   */
  async open({
    scenario,
    page: file = "chat.html",
    query = "",
    language = "en",
    direction = "ltr",
    scheme = "light",
    forcedColors = "none",
    size = { width: 1100, height: 700 },
  }) {
    const context = await this.#browser.newContext({
      viewport: size,
      colorScheme: scheme,
      forcedColors,
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    /** @type {string[]} */
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("request", (request) => {
      if (!request.url().startsWith(`http://127.0.0.1:${this.#port}/`) && !request.url().startsWith("data:")) {
        problems.push(`request to ${request.url()}`);
      }
    });
    const parameters = `scenario=${scenario}&lang=${language}&dir=${direction}${query && `&${query}`}`;
    await page.goto(`http://127.0.0.1:${this.#port}/src/pages/${file}?${parameters}`);
    await page.locator("html[data-ready]").waitFor();
    return { page, problems, close: () => context.close() };
  }

  async stop() {
    await this.#browser.close();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/**
 * @param {Page} page
 * @returns {Promise<string[]>} what axe finds wrong: rule and element
 */
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
  return violations.flatMap((/** @type {any} */ { id, nodes }) =>
    nodes.map((/** @type {any} */ node) => `${id}: ${node.target.join(" ")} ${node.failureSummary}`),
  );
}

/**
 * Opens a conversation by its line in the list.
 * @param {Page} page
 * @param {string} address
 */
export async function openConversation(page, address) {
  await page.locator(`#conversation-list [data-address="${address}"]`).click();
  await page.locator(`#conversation[data-address="${address}"]`).waitFor();
  await page.locator("#messages:not([aria-busy])").waitFor();
}

/**
 * Opens what an own address has to do with the user's other devices, by way of the panel of the own status.
 * @param {Page} page
 * @param {string} [address]
 */
export async function openDevices(page, address = "alice@example.test") {
  if (await page.locator("#own-status-panel").isHidden()) {
    await page.locator("#own-status").click();
  }
  await page.locator(`.devices[data-address="${address}"] button`).click();
  await page.locator("#devices-dialog").waitFor();
}

/**
 * Writes a message and sends it.
 * @param {Page} page
 * @param {string} text
 */
export async function write(page, text) {
  await page.locator("#composer-text").fill(text);
  await page.locator("#composer-text").press("Enter");
}

/**
 * Calls of the host so far.
 * @param {Page} page
 * @param {string} [method]
 * @returns {Promise<{method: string, params: any}[]>}
 */
export function calls(page, method) {
  return page.evaluate(
    (name) =>
      /** @type {any} */ (globalThis).mock.host.calls.filter(
        (/** @type {any} */ call) => !name || call.method === name,
      ),
    method,
  );
}

/**
 * Drives the mock host: `drive(page, "put", {with: "bob@example.test", text: "hi"})`.
 * @param {Page} page
 * @param {"put" | "putBuddy" | "tell" | "kill"} method of MockHost
 * @param {...any} args
 */
export function drive(page, method, ...args) {
  return page.evaluate(
    ([name, params]) => /** @type {any} */ (globalThis).mock.host[name](...params),
    /** @type {[string, any[]]} */ ([method, args]),
  );
}
