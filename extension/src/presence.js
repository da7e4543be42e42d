/**
 * The four states of presence, in the order they are offered, and their words.
 */

/** @import { Presence } from "./protocol.js" */

/** @type {Presence[]} */
export const STATUSES = ["online", "away", "busy", "offline"];

/** @type {Record<Presence, string>} keys of the texts */
export const STATUS_WORDS = {
  online: "statusOnline",
  away: "statusAway",
  busy: "statusBusy",
  offline: "statusOffline",
};
