/** Time that passes when the test says so. */

export class Clock {
  now = 0;
  /** @type {{at: number, id: number, callback: () => void}[]} */
  #timers = [];
  #next = 1;

  /** @type {(callback: () => void, ms: number) => number} */
  setTimer = (callback, ms) => {
    const id = this.#next++;
    this.#timers.push({ at: this.now + ms, id, callback });
    return id;
  };

  /** @type {(id: number) => void} */
  clearTimer = (id) => {
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
  };

  /** How long until the next timer, in milliseconds; Infinity if none is set. */
  get nextIn() {
    return Math.min(...this.#timers.map(({ at }) => at)) - this.now;
  }

  /**
   * Lets time pass, and whatever becomes due happen, with what follows from it.
   * @param {number} ms
   */
  async pass(ms) {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const [due] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!due) {
        break;
      }
      this.clearTimer(due.id);
      this.now = due.at;
      due.callback();
      await settle();
    }
    this.now = end;
  }
}

/** Everything that waits only for other promises is done. */
export function settle() {
  return new Promise((resolve) => setImmediate(resolve));
}
