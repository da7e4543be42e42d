/**
 * Dates and times in the user's language.
 */

import { language, t } from "../../i18n.js";

const DAY_MS = 86_400_000;

/**
 * @param {number} at milliseconds since 1970
 * @returns {string} such as 14:05
 */
export function timeOfDay(at) {
  return new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit" }).format(at);
}

/** @param {number} at */
export function fullTime(at) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "full", timeStyle: "medium" }).format(at);
}

/**
 * The heading of a day in a conversation.
 * @param {number} at
 * @param {number} now
 */
export function dayName(at, now) {
  const days = daysBetween(at, now);
  if (days === 0) {
    return t("today");
  }
  return days === 1 ? t("yesterday") : new Intl.DateTimeFormat(language(), { dateStyle: "full" }).format(at);
}

/**
 * Short, for lists: the time today, the weekday within a week, else the date.
 * @param {number} at
 * @param {number} now
 */
export function shortTime(at, now) {
  const days = daysBetween(at, now);
  if (days === 0) {
    return timeOfDay(at);
  }
  const form =
    days > 0 && days < 7 ? { weekday: /** @type {const} */ ("short") } : { dateStyle: /** @type {const} */ ("short") };
  return new Intl.DateTimeFormat(language(), form).format(at);
}

/**
 * @param {number} a
 * @param {number} b
 */
export function sameDay(a, b) {
  return daysBetween(a, b) === 0;
}

/**
 * Days of the calendar, not spans of 24 hours.
 * @param {number} from
 * @param {number} to
 */
function daysBetween(from, to) {
  return Math.round((startOfDay(to) - startOfDay(from)) / DAY_MS);
}

/** @param {number} at */
function startOfDay(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}
