/**
 * A look through mails that came earlier.
 */

/**
 * @typedef {object} Queries
 * @property {typeof messenger.messages.query} query
 * @property {typeof messenger.messages.continueList} continueList
 */

/**
 * @param {Queries} mail
 * @param {{fromDate: Date, recipients: string}} wanted
 * @param {number} most
 * @returns {Promise<messenger.messages.MessageHeader[]>} the latest first
 */
export async function latest(mail, wanted, most) {
  let page = await mail.query(wanted);
  const found = [...page.messages];
  while (page.id && found.length < most) {
    page = await mail.continueList(page.id);
    found.push(...page.messages);
  }
  return found.sort((one, other) => other.date.getTime() - one.date.getTime()).slice(0, most);
}
