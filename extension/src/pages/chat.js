/**
 * The chat page: brings its parts together. What the host tells goes into the model, and from there to the views.
 */

import { canonical, fromLink } from "../address.js";
import { localize, t } from "../i18n.js";
import { BackgroundLink } from "./background-link.js";
import { Composer } from "./chat/composer.js";
import { ConversationList } from "./chat/conversation-list.js";
import { Model } from "./chat/model.js";
import { NewDevices } from "./chat/new-devices.js";
import { NewChat } from "./chat/new-chat.js";
import { NewKeyNotice } from "./chat/new-key.js";
import { OwnStatus } from "./chat/own-status.js";
import { Person } from "./chat/person.js";
import { Search } from "./chat/search.js";
import { ThreadView } from "./chat/thread-view.js";
import { byId } from "./dom.js";
import { ErrorBar } from "./error-bar.js";
import { HostNotice } from "./host-notice.js";
import { InView } from "./in-view.js";
import { refusedWords } from "./words.js";

/** @import { AddonState, Target } from "../addon-protocol.js" */
/** @import { Address, Conversation, Message } from "../protocol.js" */

/** How much of a new message a screen reader is given at once. */
const SPOKEN = 300;

localize(document);

const link = new BackgroundLink();
const model = new Model();
const error = new ErrorBar(byId("error"));
const notice = new HostNotice(byId("host-notice"), link);
const newDevices = new NewDevices({ box: byId("new-devices"), link, onError: error.show });
const newKey = new NewKeyNotice({ box: byId("key-renewed"), link, onError: error.show });
const ownStatus = new OwnStatus(link, error.show);
const person = new Person(link, error.show);
const list = new ConversationList(byId("conversation-list"), (address) => void open({ with: address }));
const search = new Search({
  link,
  name: (address) => model.name(address),
  onOpen: (hit) => void open({ with: hit.with, id: hit.id }),
  onActive: (active) => {
    searching = active;
    drawList();
  },
});
const composer = new Composer(send);
const thread = new ThreadView({
  link,
  context: (address) => ({
    name: model.name(address),
    onRetry: (id) => void link.call("messages/retry", { with: address, id }).catch(error.show),
    onLink: (url) => void messenger.windows.openDefaultBrowser(url),
  }),
  onShown: () => void markRead(),
  onError: error.show,
});
new NewChat(
  link,
  (address) => void open({ with: address }).then(() => composer.focus()),
  (address) => void invite(address),
);

/** @type {Address | null} the conversation on screen */
let current = null;
const inView = new InView(onView);
let ready = false;
/** Whether the list is known; before that, an empty one says nothing. */
let loaded = false;
let searching = false;
/** @type {string | null} id of the last message that was marked as read */
let marked = null;

link.on("addon/state", (state) => void enter(state));
link.on("addon/open", (target) => void open(target).then(() => composer.focus()));
link.on("addon/namesChanged", () => void loadNames());
link.on("addon/unread", ({ counts }) => {
  model.setUnread(counts);
  drawList();
});
link.on("messages/changed", ({ message }) => onMessage(message));
link.on("messages/dropped", ({ with: address }) => void onDropped(address));
link.on("buddies/changed", ({ address, buddy }) => {
  model.setBuddy(address, buddy);
  draw();
  void loadNames();
});
link.on("presence/changed", ({ address, status, note }) => {
  model.setPresence(address, status, note);
  draw();
});
link.onReopened(() => void arrive(null));
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f" && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    search.focus();
  }
});
void arrive(new URLSearchParams(location.search).get("link"));

/** @param {string | null} from the link that a protocol handler passed on */
async function arrive(from) {
  const { elsewhere, target } = await link.call("addon/arrive", { link: from });
  if (elsewhere) {
    return;
  }
  if (from !== null && !fromLink(from)) {
    error.say(t("errorInvalidLink"));
  }
  const wanted = target ?? wantedByUrl();
  const state = await link.call("addon/state", {});
  if (state.addresses.length === 0) {
    location.replace(`onboarding.html${wanted ? `?with=${encodeURIComponent(wanted.with)}` : ""}`);
    return;
  }
  await enter(state);
  if (wanted) {
    await open(wanted);
    composer.focus();
  }
  document.documentElement.dataset.ready = "true";
}

/** @returns {Target | null} */
function wantedByUrl() {
  const address = canonical(new URLSearchParams(location.search).get("with") ?? "");
  return address && !current ? { with: address } : null;
}

/** @param {AddonState} state */
async function enter(state) {
  notice.show(state);
  newDevices.show(state);
  newKey.enter(state);
  ownStatus.show(state);
  const now = state.host.kind === "ready";
  composer.setCanSend(now);
  if (now && !ready) {
    ready = true;
    await load();
  } else if (!now) {
    ready = false;
    model.forgetPresence();
    draw();
  }
}

/** Everything once more: at the start, and when the host was away. */
async function load() {
  try {
    const conversations = await allConversations();
    // Asked for last: what changes while the conversations come page by page is in it.
    const { buddies } = await link.call("buddies/list", {});
    model.load(buddies, conversations);
    loaded = true;
    await loadNames();
    if (current) {
      await thread.open(current);
    }
  } catch (problem) {
    error.show(problem);
  }
}

/**
 * What waited for the user's consent is no longer kept; what was accepted before is.
 * @param {Address} address
 */
async function onDropped(address) {
  if (address === current) {
    void thread.open(address);
  }
  try {
    const { messages } = await link.call("messages/list", { with: address, limit: 1 });
    model.setLast(address, messages.at(-1));
    drawList();
  } catch {
    // The host is gone, and with it what the list shows: all of it is read anew when it is back.
  }
}

/** The host tells them page by page. */
async function allConversations() {
  /** @type {Conversation[]} */
  const all = [];
  for (let more = true; more;) {
    const page = await link.call("messages/conversations", { after: all.at(-1)?.with });
    all.push(...page.conversations);
    more = page.more && page.conversations.length > 0;
  }
  return all;
}

async function loadNames() {
  const addresses = current ? [...model.addresses(), current] : model.addresses();
  const { names } = await link.call("addon/names", { addresses });
  const before = current && model.name(current);
  model.setNames(names);
  draw();
  if (current && model.name(current) !== before) {
    thread.redraw();
  }
}

/** @param {Target} target */
async function open(target) {
  error.clear();
  const changed = current !== target.with;
  current = target.with;
  marked = null;
  byId("no-conversation").hidden = true;
  byId("messages").hidden = false;
  byId("conversation").dataset.address = current;
  history.replaceState(null, "", `?with=${encodeURIComponent(current)}`);
  draw();
  onView();
  if (changed && !model.buddy(current)) {
    await loadNames();
  }
  if (target.refused) {
    error.say(refusedWords(target.refused));
  }
  if (ready) {
    await thread.open(target.with, target.id);
  }
}

/** @param {Address} address */
async function invite(address) {
  await open({ with: address });
  await link.call("addon/invite", { address }).catch(error.show);
}

function draw() {
  drawList();
  if (!current) {
    return;
  }
  const buddy = model.buddy(current);
  const name = model.name(current);
  person.show(current, name, buddy);
  newKey.show(current, name, buddy);
  composer.open(current, name);
  composer.setVisible(!buddy || buddy.consent === "buddy");
  document.title = t("chatTitle", name);
}

function drawList() {
  const rows = model.rows(current);
  list.show(rows, current);
  byId("conversation-list").hidden = searching || rows.length === 0;
  byId("no-conversations").hidden = searching || !loaded || rows.length > 0;
}

/** @param {Message} message */
function onMessage(message) {
  const isNew = message.direction === "in" && message.state === "received";
  model.putMessage(message);
  thread.put(message);
  drawList();
  if (isNew && !message.request) {
    byId("announcer").textContent = t("newMessage", model.name(message.with), message.text.slice(0, SPOKEN));
  }
  if (!model.buddy(message.with)) {
    void loadNames();
  }
}

/**
 * @param {Address} address
 * @param {string} text
 */
async function send(address, text) {
  error.clear();
  try {
    await link.call("messages/send", { to: address, text });
    return true;
  } catch (problem) {
    error.show(problem);
    return false;
  }
}

function onView() {
  void link.call("addon/view", { with: current, focused: inView.now }).catch(() => {});
  void markRead();
}

async function markRead() {
  const last = thread.lastSeen();
  if (!current || !ready || !inView.now || !last || last.with !== current || last.id === marked) {
    return;
  }
  marked = last.id;
  if (last.state === "read") {
    return;
  }
  try {
    await link.call("messages/markRead", { with: last.with, upTo: last.id });
    model.setUnread({ [last.with]: 0 });
    drawList();
  } catch (problem) {
    console.warn("Corella: not marked as read:", problem);
    marked = null;
  }
}
