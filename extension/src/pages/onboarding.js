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

localize(document);

const link = new BackgroundLink();
const notice = new HostNotice(byId("host-notice"), link);
const error = new ErrorBar(byId("error"));
const form = byIdAs("identity-form", HTMLFormElement);
const button = byIdAs("go-online", HTMLButtonElement);
const already = new AlreadyHere({ link, address: () => String(new FormData(form).get("address") ?? "") });

link.on("addon/state", show);
link.onReopened(start);
byId("identities").addEventListener("change", () => already.chosen());
byId("look-again").addEventListener("click", () => void listIdentities().catch(error.show));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void enrol();
});
start();

function start() {
  link.call("addon/state", {}).then(show, error.show);
  listIdentities().catch(error.show);
}

/** @param {AddonState} state */
function show(state) {
  notice.show(state);
  button.disabled = state.host.kind !== "ready";
  already.setReady(state.host.kind === "ready");
  if (state.host.kind === "ready" && state.addresses.length > 0) {
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
  already.chosen();
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

async function enrol() {
  error.clear();
  button.disabled = true;
  form.setAttribute("aria-busy", "true");
  try {
    await link.call("identity/enrol", { address: String(new FormData(form).get("address")) });
  } catch (problem) {
    error.show(problem);
    button.disabled = false;
  } finally {
    form.removeAttribute("aria-busy");
  }
}
