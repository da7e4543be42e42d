/**
 * What the add-on remembers of itself in storage.local. No message, no key: those are the host's.
 */

/** @import { NewDevice, NewKey, Settings } from "./addon-protocol.js" */
/** @import { Address } from "./protocol.js" */

/** Most new devices that are told of at a time; of more the latest. */
const NEW_DEVICES = 5;
/** Most people whose key is new that are remembered; of more the latest. */
const NEW_KEYS = 50;

export class Store {
  /** @type {Settings} */
  settings = { addressBook: true, tidyLetters: false };
  /** @type {Record<Address, number>} when the mails to an own address were last looked through for invitations */
  looked = {};
  /** @type {Address[]} own addresses, as the host last named them */
  addresses = [];
  /** @type {NewDevice[]} what the host told once, until the user has said to know it */
  newDevices = [];
  /** @type {NewKey[]} what the host told once, until the user has read it */
  newKeys = [];
  #area;

  /** @param {messenger.storage.Area} area */
  constructor(area) {
    this.#area = area;
  }

  /** @returns {Promise<string>} the random id of this Thunderbird profile; made on the first start */
  async load() {
    const stored = await this.#area.get(["profile", "settings", "addresses", "newDevices", "newKeys", "looked"]);
    this.settings = { ...this.settings, .../** @type {Partial<Settings>} */ (stored.settings ?? {}) };
    this.addresses = /** @type {Address[]} */ (stored.addresses ?? []);
    this.newDevices = /** @type {NewDevice[]} */ (stored.newDevices ?? []);
    this.newKeys = /** @type {NewKey[]} */ (stored.newKeys ?? []);
    this.looked = /** @type {Record<Address, number>} */ (stored.looked ?? {});
    if (typeof stored.profile === "string") {
      return stored.profile;
    }
    const profile = crypto.randomUUID();
    await this.#area.set({ profile });
    return profile;
  }

  /** @param {Partial<Settings>} changes */
  async change({ addressBook = this.settings.addressBook, tidyLetters = this.settings.tidyLetters }) {
    if (typeof addressBook === "boolean" && typeof tidyLetters === "boolean") {
      this.settings = { addressBook, tidyLetters };
      await this.#area.set({ settings: this.settings });
    }
    return this.settings;
  }

  /** @param {Address[]} addresses */
  async setAddresses(addresses) {
    this.addresses = addresses;
    await this.#area.set({ addresses });
  }

  /** @param {NewDevice} device */
  async addDevice(device) {
    const others = this.newDevices.filter((other) => other.device !== device.device);
    this.newDevices = [...others, device].slice(-NEW_DEVICES);
    await this.#area.set({ newDevices: this.newDevices });
  }

  /** @param {string[]} devices that the user knows */
  async knowDevices(devices) {
    this.newDevices = this.newDevices.filter(({ device }) => !devices.includes(device));
    await this.#area.set({ newDevices: this.newDevices });
  }

  /** @param {NewKey} key */
  async addNewKey(key) {
    const others = this.newKeys.filter(({ address }) => address !== key.address);
    this.newKeys = [...others, key].slice(-NEW_KEYS);
    await this.#area.set({ newKeys: this.newKeys });
  }

  /** @param {Address} of whose key the user has read, or wants to read nothing more */
  async knowKey(of) {
    this.newKeys = this.newKeys.filter(({ address }) => address !== of);
    await this.#area.set({ newKeys: this.newKeys });
  }

  /**
   * The mails to an own address have been looked through for invitations.
   * @param {Address} address
   * @param {number} at when that began, in milliseconds since 1970
   */
  async setLooked(address, at) {
    this.looked = { ...this.looked, [address]: at };
    await this.#area.set({ looked: this.looked });
  }
}
