/** The checksum of zip files (node:zlib has it only from version 22 on). */

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

/**
 * @param {Uint8Array} data
 * @returns {number} unsigned
 */
export function crc32(data) {
  let value = 0xffffffff;
  for (const byte of data) {
    value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}
