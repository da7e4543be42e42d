// Run once in Marionette's chrome context: teaches its tab manager, which knows Firefox's tabs only, to find every
// browser element in Thunderbird's windows. Without it there are no content windows to switch to.
const { TabManager } = ChromeUtils.importESModule("chrome://remote/content/shared/TabManager.sys.mjs");

if (!TabManager.knowsThunderbird) {
  const tabOfBrowser = new WeakMap();
  const tabBrowserOfWindow = new WeakMap();

  const tabOf = browser => {
    if (!browser.permanentKey) {
      browser.permanentKey = new (Cu.getGlobalForObject(Services).Object)();
    }
    if (!tabOfBrowser.has(browser)) {
      const documentGlobal = browser.ownerGlobal ?? browser.documentGlobal;
      tabOfBrowser.set(browser, { linkedBrowser: browser, documentGlobal });
    }
    return tabOfBrowser.get(browser);
  };

  // Pages such as the address book hold browsers of their own.
  const browsersIn = document => {
    const found = [];
    for (const browser of document.querySelectorAll("browser")) {
      if (!browser.browsingContext) {
        continue;
      }
      found.push(browser);
      if (browser.contentDocument && !browser.isRemoteBrowser) {
        found.push(...browsersIn(browser.contentDocument));
      }
    }
    return found;
  };

  const tabBrowserOf = window => ({
    get tabs() {
      return browsersIn(window.document).map(tabOf);
    },
    get selectedBrowser() {
      return window.gTabmail?.selectedBrowser ?? browsersIn(window.document)[0] ?? null;
    },
    get selectedTab() {
      return this.selectedBrowser ? tabOf(this.selectedBrowser) : null;
    },
    set selectedTab(_tab) {},
    getTabForBrowser: tabOf,
    addEventListener: (...listener) => window.addEventListener(...listener),
    removeEventListener: (...listener) => window.removeEventListener(...listener),
  });

  TabManager.getTabBrowser = window => {
    if (!window?.document) {
      return null;
    }
    if (!tabBrowserOfWindow.has(window)) {
      tabBrowserOfWindow.set(window, tabBrowserOf(window));
    }
    return tabBrowserOfWindow.get(window);
  };
  TabManager.selectTab = async () => {};
  TabManager.getWindowForTab = tab =>
    tab.linkedBrowser.ownerGlobal.browsingContext.topChromeWindow ?? tab.linkedBrowser.ownerGlobal;
  TabManager.knowsThunderbird = true;
}
return true;
