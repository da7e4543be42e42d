import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { build, packedFiles, zip } from "../../dev/build.js";
import { crc32 } from "../../dev/crc32.js";
import { readJson, ROOT, sources } from "./sources.js";

test("the package is the same bytes each time", () => {
  assert.ok(build().equals(build()));
});

test("a zip's directory leads to each file, whole", () => {
  const files = [
    { name: "a/ü.txt", data: Buffer.from("content") },
    { name: "b", data: Buffer.alloc(0) },
  ];
  const archive = zip(files);
  const end = archive.length - 22;
  assert.equal(archive.readUInt32LE(end), 0x06054b50);
  assert.equal(archive.readUInt16LE(end + 10), files.length);
  let entry = archive.readUInt32LE(end + 16);
  for (const { name, data } of files) {
    assert.equal(archive.readUInt32LE(entry), 0x02014b50);
    const length = archive.readUInt16LE(entry + 28);
    assert.equal(archive.toString("utf8", entry + 46, entry + 46 + length), name);
    const local = archive.readUInt32LE(entry + 42);
    assert.equal(archive.readUInt32LE(local), 0x04034b50);
    assert.deepEqual(
      [archive.readUInt16LE(local + 10), archive.readUInt16LE(local + 12)],
      [0, 0x21],
      "1980-01-01 00:00",
    );
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = archive.subarray(start, start + archive.readUInt32LE(local + 22));
    assert.ok(content.equals(data));
    assert.equal(archive.readUInt32LE(local + 14), archive.readUInt32LE(entry + 16));
    entry += 46 + length;
  }
  assert.equal(entry, end);
  assert.equal(crc32(Buffer.from("123456789")), 0xcbf43926, "the check value of CRC-32");
});

test("the package holds what the manifest and the pages name, and nothing that is only for development", () => {
  const files = packedFiles();
  const manifest = JSON.stringify(readJson("manifest.json"));
  const named = [...manifest.matchAll(/"\/?((?:src|icons)\/[^"?]+)/g)].map((match) => String(match[1]));
  assert.ok(named.length > 5);
  for (const { text } of sources("src", ".css")) {
    named.push(...[...text.matchAll(/url\("\/([^"]+)"\)/g)].map((match) => String(match[1])));
  }
  for (const name of named) {
    assert.ok(files.includes(name), name);
  }
  for (const icon of files.filter((name) => name.startsWith("icons/"))) {
    const used = [
      manifest,
      ...[".css", ".html", ".js"].flatMap((kind) => sources("src", kind).map(({ text }) => text)),
    ];
    assert.ok(
      used.some((text) => text.includes(icon)),
      `${icon} is not used`,
    );
  }
  assert.deepEqual(
    files.filter((name) => /test|dev\/|dist|\.d\.ts$/.test(name)),
    [],
  );
  assert.deepEqual(
    files.filter((name) => /node_modules/.test(name)).map((name) => path.dirname(name)),
    Array(4).fill("node_modules/qr"),
  );
});

test("every module that is named is in the package, and its licence with it", () => {
  const files = packedFiles();
  const code = files.filter((name) => name.endsWith(".js"));
  for (const name of code) {
    const text = readFileSync(path.join(ROOT, name), "utf8");
    for (const [, from] of text.matchAll(/^(?:import|export|\})[^"'\n]*["'](\.[^"']+)["']/gm)) {
      const target = path.posix.join(path.posix.dirname(name), String(from));
      assert.ok(files.includes(target), `${name} names ${target}`);
    }
  }
  const { dependencies } = readJson("package.json");
  for (const dependency of Object.keys(dependencies)) {
    assert.ok(files.includes(`node_modules/${dependency}/LICENSE`), dependency);
    assert.match(readJson(`node_modules/${dependency}/package.json`).license, /\b(MIT|Apache-2\.0)\b/);
  }
});

test("add-on and workspace have one version", () => {
  const { version } = readJson("manifest.json");
  assert.equal(readJson("package.json").version, version);
  const workspace = path.join(ROOT, "..", "Cargo.toml");
  assert.ok(existsSync(workspace));
  assert.match(readFileSync(workspace, "utf8"), new RegExp(`^version = "${version}"$`, "m"));
});

test("packages come from the public registry only", () => {
  const lock = readFileSync(path.join(ROOT, "package-lock.json"), "utf8");
  for (const [, host] of lock.matchAll(/"resolved": "https?:\/\/([^/"]+)/g)) {
    assert.equal(host, "registry.npmjs.org");
  }
});
