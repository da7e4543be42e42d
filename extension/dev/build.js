/**
 * Packs the add-on: an XPI is a zip of `PACKED` and nothing else, so that it can be made without Node too. Files are
 * stored in the order of their names, uncompressed, with a fixed time: the same files always give the same bytes.
 */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "./crc32.js";

/** The one package that goes with the add-on, at the place that its pages name, unchanged; `npm ci` brings it. */
const LIBRARY = ["LICENSE", "LICENSE-MIT", "decode.js", "index.js"].map((name) => `node_modules/qr/${name}`);
/** What the add-on consists of, below `extension/`; without the types, which are for the checker. */
export const PACKED = ["_locales", "icons", "manifest.json", "src", ...LIBRARY];
const LEFT_OUT = /\.(d\.ts|md)$/;

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** 1980-01-01 00:00, the first time a zip can name. */
const DOS_DATE = 0x0021;
const UTF8_NAMES = 0x0800;

/**
 * @param {string} root
 * @returns {string[]} relative paths with `/`, sorted by code point
 */
export function packedFiles(root = ROOT) {
  /** @type {(relative: string) => string[]} */
  const below = (relative) =>
    readdirSync(path.join(root, relative), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? below(`${relative}/${entry.name}`) : [`${relative}/${entry.name}`],
    );
  return PACKED.flatMap((name) => (statSync(path.join(root, name)).isDirectory() ? below(name) : [name]))
    .filter((name) => !LEFT_OUT.test(name))
    .sort((a, b) => (a < b ? -1 : 1));
}

/**
 * @param {{name: string, data: Buffer}[]} files
 * @returns {Buffer} a zip (APPNOTE 4.3), method "stored"
 */
export function zip(files) {
  const locals = [];
  const entries = [];
  let offset = 0;
  for (const { name, data } of files) {
    const bytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed: 2.0
    common.writeUInt16LE(UTF8_NAMES, 2);
    common.writeUInt16LE(DOS_DATE, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(bytes.length, 22);
    locals.push(Buffer.from("PK\x03\x04", "latin1"), common, bytes, data);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    entries.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, tail, bytes);
    offset += 30 + bytes.length + data.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

export function build() {
  return zip(packedFiles().map((name) => ({ name, data: readFileSync(path.join(ROOT, name)) })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(path.join(ROOT, "dist"), { recursive: true });
  writeFileSync(path.join(ROOT, "dist", "corella.xpi"), build());
  console.log("extension/dist/corella.xpi");
}
