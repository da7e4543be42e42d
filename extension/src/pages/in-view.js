/**
 * Whether this page is before the user's eyes: its tab is the one shown, in the window that has the focus. (The page
 * itself need not have the focus; in Thunderbird it has not until the user clicks into it.)
 */

export class InView {
  #windowFocused = false;
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    document.addEventListener("visibilitychange", onChange);
    void this.#watchWindow();
  }

  get now() {
    return document.visibilityState === "visible" && this.#windowFocused;
  }

  async #watchWindow() {
    const { id, focused } = await messenger.windows.getCurrent();
    this.#windowFocused = focused;
    messenger.windows.onFocusChanged.addListener((windowId) => {
      this.#windowFocused = windowId === id;
      this.#onChange();
    });
    this.#onChange();
  }
}
