/**
 * Certificates, as far as the add-on looks at them: whether one is the very one that the host has named.
 */

const FIRST = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;

/**
 * @param {string} pem certificates, the person's first
 * @returns {Promise<string | null>} SHA-256 of the first one, 64 digits in hex; null if there is none
 */
export async function fingerprintOf(pem) {
  const [, base64] = FIRST.exec(pem) ?? [];
  if (base64 === undefined) {
    return null;
  }
  const der = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
