/** What the mock host refuses a call with. */

export class Failure extends Error {
  /**
   * @param {string} name
   * @param {number} code
   * @param {object} [data]
   */
  constructor(name, code, data = {}) {
    super(name);
    this.code = code;
    this.data = { name, ...data };
  }
}
