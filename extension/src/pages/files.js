/**
 * Files that the user chooses or is given, as the host wants them.
 */

/** The host takes no larger file. */
export const LARGEST = 256 * 1024;

/**
 * @param {File} file
 * @returns {Promise<string>} its bytes in base64
 */
export function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

/**
 * @param {string} text bytes in base64
 * @param {string} type their MIME type
 */
export function blob(text, type) {
  return new Blob([Uint8Array.from(atob(text), (character) => character.charCodeAt(0))], { type });
}
