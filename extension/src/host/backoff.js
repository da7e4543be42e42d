/**
 * How long to wait before the next try: 0.5 s, doubling up to 30 s, each shortened at random by up to a half, so that
 * several Thunderbirds do not try in step.
 */

export const FIRST_MS = 500;
export const LONGEST_MS = 30_000;

/**
 * @param {number} attempt 0 for the first try after a loss
 * @param {() => number} [random] in [0, 1)
 * @returns {number} milliseconds
 */
export function delay(attempt, random = Math.random) {
  const full = Math.min(FIRST_MS * 2 ** Math.min(attempt, 16), LONGEST_MS);
  return Math.round(full * (1 - random() / 2));
}
