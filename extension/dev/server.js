/**
 * The add-on's pages in an ordinary browser, on a mock host: `npm run dev`, then open the address it prints. Serves
 * this folder on the loopback interface, and puts the mock before the pages' own scripts.
 */

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PORT = 8391;

/** @type {Record<string, string>} */
const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

/** As strict as Thunderbird is with an add-on's pages, and more. */
const POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

const MOCK = '<script src="/dev/locales.js"></script><script type="module" src="/dev/mock/install.js"></script>';

/**
 * @param {number} port 0: any
 * @returns {Promise<import("node:http").Server>} listening
 */
export function serve(port) {
  const server = createServer((request, response) => {
    answer(String(request.url)).then(
      ({ type, body }) => {
        const headers = {
          "content-type": `${type}; charset=utf-8`,
          "content-security-policy": POLICY,
          "cache-control": "no-store",
        };
        response.writeHead(200, headers).end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

/** @param {string} target */
async function answer(target) {
  const { pathname } = new URL(target, "http://localhost");
  if (pathname === "/dev/locales.js") {
    return { type: "text/javascript", body: await locales() };
  }
  const file = path.join(ROOT, path.normalize(decodeURIComponent(pathname)));
  const type = TYPES[path.extname(file)];
  if (!file.startsWith(ROOT) || !type) {
    throw new Error(`not served: ${pathname}`);
  }
  const body = await readFile(file);
  return type === "text/html" ? { type, body: body.toString().replace("<head>", `<head>${MOCK}`) } : { type, body };
}

async function locales() {
  const entries = await Promise.all(
    ["en", "de"].map(async (name) => [
      name,
      JSON.parse(await readFile(path.join(ROOT, "_locales", name, "messages.json"), "utf8")),
    ]),
  );
  return `globalThis.corellaLocales = ${JSON.stringify(Object.fromEntries(entries))};`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await serve(PORT);
  console.log(`http://127.0.0.1:${PORT}/src/pages/chat.html?scenario=normal`);
}
