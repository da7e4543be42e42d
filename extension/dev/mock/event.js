/** An event of the add-on interface: listeners, and a way to fire it. */

/** @template {(...args: any[]) => any} Listener */
export class MockEvent {
  /** @type {Set<Listener>} */
  #listeners = new Set();
  /** @type {Parameters<Listener>[]} fired before anybody listened; only for events made with `patient` */
  #early = [];
  #patient;

  /** @param {boolean} [patient] keeps what is fired until somebody listens */
  constructor(patient = false) {
    this.#patient = patient;
  }

  /** @param {Listener} listener */
  addListener(listener) {
    this.#listeners.add(listener);
    for (const args of this.#early.splice(0)) {
      listener(...args);
    }
  }

  /** @param {Listener} listener */
  removeListener(listener) {
    this.#listeners.delete(listener);
  }

  /** @param {Parameters<Listener>} args */
  fire(...args) {
    if (this.#patient && this.#listeners.size === 0) {
      this.#early.push(args);
    }
    for (const listener of [...this.#listeners]) {
      listener(...args);
    }
  }
}
