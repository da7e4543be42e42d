import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readJson, ROOT, sources } from "./sources.js";

const LANGUAGES = readdirSync(path.join(ROOT, "_locales"));
const english = readJson("_locales/en/messages.json");
const keys = Object.keys(english);

/** Every key that code, pages and manifest name. */
function usedKeys() {
  const used = new Set();
  for (const { text } of sources("src", ".js")) {
    for (const [, call, key] of text.matchAll(/\b(t|plain|plural)\(\s*"(\w+)"/g)) {
      for (const form of call === "plural" ? [`${key}_one`, `${key}_other`] : [key]) {
        used.add(form);
      }
    }
    // Tables and choices of keys: any string that is a key counts, so that a test need not know how they are written.
    for (const [, key] of text.matchAll(/"(\w+)"/g)) {
      if (key && key in english) {
        used.add(key);
      }
    }
  }
  for (const { text } of sources("src", ".html")) {
    for (const [, key] of text.matchAll(/data-i18n(?:-\w+)?="(\w+)"/g)) {
      used.add(key);
    }
  }
  for (const [, key] of JSON.stringify(readJson("manifest.json")).matchAll(/__MSG_(\w+)__/g)) {
    used.add(key);
  }
  return used;
}

test("every text that is used exists, and every text that exists is used", () => {
  const used = usedKeys();
  assert.deepEqual(
    [...used].filter((key) => !keys.includes(String(key))),
    [],
    "used, but not there",
  );
  assert.deepEqual(
    keys.filter((key) => !used.has(key)),
    [],
    "there, but not used",
  );
});

test("all languages have the same texts, with the same places for names and numbers", () => {
  assert.ok(LANGUAGES.length >= 2);
  /** @type {(text: string) => string[]} */
  const places = (text) => [...new Set([...text.matchAll(/\$\d/g)].map(String))].sort();
  for (const language of LANGUAGES) {
    const messages = readJson(`_locales/${language}/messages.json`);
    assert.deepEqual(Object.keys(messages), keys, language);
    for (const key of keys) {
      assert.deepEqual(places(messages[key].message), places(english[key].message), `${language} ${key}`);
      assert.notEqual(messages[key].message.trim(), "", `${language} ${key}`);
    }
  }
});

test("a text with places says what stands there", () => {
  for (const key of keys.filter((candidate) => /\$\d/.test(english[candidate].message))) {
    for (const [place] of english[key].message.matchAll(/\$\d/g)) {
      assert.ok(english[key].description?.includes(place), `${key} does not describe ${place}`);
    }
  }
});

test("pages hold no text of their own", () => {
  for (const { name, text } of sources("src", ".html")) {
    const words = text.replace(/<!--.*?-->|<[^>]*>/gs, "").trim();
    assert.equal(words, "", name);
    for (const [attribute] of text.matchAll(/\s(title|placeholder|aria-label|alt)="[^"]+"/g)) {
      assert.fail(`${name}: ${attribute}`);
    }
  }
});

test("code holds no sentences: what the user reads comes from the texts", () => {
  for (const { name, text } of sources("src", ".js")) {
    const code = text
      .replace(/\/\*.*?\*\/|^\s*\/\/.*$|\s\/\/ .*$/gms, "")
      .replace(/console\.\w+\(.*?\);|new (Rpc)?Error\(.*?\)/gs, "");
    for (const [sentence] of code.matchAll(/"[A-Z][a-z]+ [a-z]+[^"]*"/g)) {
      assert.fail(`${name}: ${sentence}`);
    }
  }
});

test("the mail of an invitation says how to get Corella, step by step, in the words of the buttons", () => {
  const [version] = readJson("manifest.json").browser_specific_settings.gecko.strict_min_version.split(".");
  const thunderbird = {
    en: ["Add-ons and Themes", "gear", "Install Add-on From File"],
    de: ["Add-ons und Themes", "Zahnrad", "Add-on aus Datei installieren"],
  };
  for (const [language, menus] of Object.entries(thunderbird)) {
    const messages = readJson(`_locales/${language}/messages.json`);
    /** @type {string} */
    const text = messages.inviteMailText.message;
    const steps = [`Thunderbird ${version}`, "./corella install", ...menus, "corella.xpi", messages.goOnline.message];
    const places = steps.map((step) => text.indexOf(step));
    assert.ok(!places.includes(-1), `${language}: ${steps[places.indexOf(-1)]}`);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      language,
    );
    assert.ok(text.includes(messages.accept.message), language);
    assert.doesNotMatch(text, /https?:/, "there is no address on the web yet");
  }
});
