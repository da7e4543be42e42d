/**
 * The first page: one of the user's mail addresses becomes the address in the chat. Then it goes on to where the user
 * wanted to go.
 */

import { localize } from "../i18n.js";
import { BackgroundLink } from "./background-link.js";
import { bdi, byId, byIdAs, el } from "./dom.js";
import { ErrorBar } from "./error-bar.js";
import { HostNotice } from "./host-notice.js";
import { AlreadyHere } from "./onboarding/already.js";

/** @import { AddonState, MailIdentity } from "../addon-protocol.js" */
/** @import { Address } from "../protocol.js" */

localize(document);

const link = new BackgroundLink();
const notice = new HostNotice(byId("host-notice"), link);
const error = new ErrorBar(byId("error"));
const form = byIdAs("identity-form", HTMLFormElement);
const buttons = [byIdAs("go-online", HTMLButtonElement), byIdAs("lost-only-go", HTMLButtonElement)];
const already = new AlreadyHere({ link, address: chosen });
let ready = false;
let busy = false;

link.on("addon/state", show);
link.onReopened(start);
byId("identities").addEventListener("change", showChosen);
byId("look-again").addEventListener("click", () => void listIdentities().catch(error.show));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void enrol({});
});
byId("lost-only-go").addEventListener("click", () => void enrol({ revokeOthers: true }));
start();

function start() {
  link.call("addon/state", {}).then(show, error.show);
  listIdentities().catch(error.show);
}

/** @param {AddonState} state */
function show(state) {
  notice.show(state);
  ready = state.host.kind === "ready";
  drawButtons();
  already.setReady(ready);
  if (ready && state.addresses.length > 0) {
    const wanted = new URLSearchParams(location.search).get("with");
    location.replace(`chat.html${wanted ? `?with=${encodeURIComponent(wanted)}` : ""}`);
  }
}

async function listIdentities() {
  const { identities } = await link.call("addon/identities", {});
  form.hidden = identities.length === 0;
  byId("no-identity").hidden = identities.length > 0;
  byId("identities")
    .querySelectorAll("label")
    .forEach((label) => label.remove());
  byId("identities").append(...identities.map(choice));
  showChosen();
  document.documentElement.dataset.ready = "true";
}

/**
 * @param {MailIdentity} identity
 * @param {number} index
 */
function choice({ address, name, account }, index) {
  return el(
    "label",
    { class: "choice" },
    el("input", { type: "radio", name: "address", value: address, checked: index === 0 }),
    el(
      "span",
      { class: "identity" },
      bdi(address),
      el("span", { class: "quiet" }, bdi([name, account].filter((words) => words && words !== address).join(" – "))),
    ),
  );
}

/** @returns {Address} which of the user's addresses is chosen; empty if there is none */
function chosen() {
  return String(new FormData(form).get("address") ?? "");
}

function showChosen() {
  already.chosen();
  byId("lost-only").hidden = chosen() === "";
  byId("lost-only-address").replaceChildren(bdi(chosen()));
}

function drawButtons() {
  for (const button of buttons) {
    button.disabled = !ready || busy;
  }
}

/** @param {{revokeOthers?: boolean}} wishes */
async function enrol(wishes) {
  error.clear();
  setBusy(true);
  try {
    await link.call("identity/enrol", { address: chosen(), ...wishes });
    // The page goes on to the chat as soon as the host has told of the address.
  } catch (problem) {
    error.show(problem);
    setBusy(false);
  }
}

/** @param {boolean} now */
function setBusy(now) {
  busy = now;
  form.setAttribute("aria-busy", now ? "true" : "false");
  drawButtons();
}
