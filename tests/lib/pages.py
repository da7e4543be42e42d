"""What a user sees and does in Thunderbird: the stock address book, and Corella's own pages."""

import contextlib
from dataclasses import dataclass
from urllib.parse import quote

from marionette_driver.errors import MarionetteException
from marionette_driver.keys import Keys

from lib.thunderbird import Thunderbird
from lib.waiting import PATIENCE, eventually

_ADD_CONTACT = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { VCardUtils } = ChromeUtils.importESModule("resource:///modules/VCardUtils.sys.mjs");
const book = MailServices.ab.getDirectory("jsaddrbook://abook.sqlite");
if (!book.cardForEmailAddress(arguments[0])) {
  book.addCard(VCardUtils.vCardToAbCard(arguments[1]));
}
"""
_BADGE = "data:image/svg+xml"


def add_contact(thunderbird: Thunderbird, name: str, address: str) -> None:
    """Puts a person into the personal address book, as an import would: not an act of the user in Corella."""
    lines = ["BEGIN:VCARD", "VERSION:4.0", f"FN:{name}", f"EMAIL:{address}", f"IMPP:sip:{address}", "END:VCARD", ""]
    thunderbird.chrome(_ADD_CONTACT, address, "\r\n".join(lines))


class AddressBook:
    """Thunderbird's own address book tab."""

    def __init__(self, thunderbird: Thunderbird) -> None:
        """Knows how to reach it."""
        self._thunderbird = thunderbird

    def open(self) -> None:
        """Opens it by its button."""
        with self._thunderbird.window():
            self._thunderbird.click("#addressBookButton")
        self._thunderbird.page("about:addressbook")

    def choose(self, name: str) -> None:
        """Selects a contact, which shows its details."""
        self.open()

        def chosen() -> bool:
            with contextlib.suppress(MarionetteException):
                rows = self._thunderbird.marionette.find_elements("css selector", '#cards tr[is="ab-card-row"]')
                for row in rows:
                    if name in row.text:
                        row.click()
                        return self._thunderbird.text("#viewContactName") == name
            return False

        eventually(chosen, f"{name} in the address book")

    def click_sip_link(self, name: str) -> None:
        """Selects a contact and clicks its sip: link."""
        self.choose(name)
        self._thunderbird.click('#viewContact a[href^="sip:"]')

    def status_text(self) -> str:
        """The line under the chosen contact's name."""
        return self._thunderbird.text("#viewContactNickName")

    def has_badge(self) -> bool:
        """Whether the chosen contact's photo is a picture that shows presence."""
        photo = self._thunderbird.seen("#viewContactPhoto")
        if photo is None:
            return False
        with contextlib.suppress(MarionetteException):
            return (photo.get_attribute("src") or "").startswith(_BADGE)
        return False

    def shows(self, status: str) -> bool:
        """Whether the chosen contact is shown with that presence: text under the name, and badge on the photo."""
        words = {"online": "Online", "away": "Away", "busy": "Busy", "offline": "Offline"}
        return words[status] in self.status_text() and self.has_badge() == (status != "offline")


@dataclass(frozen=True)
class Line:
    """One message as the page shows it."""

    direction: str
    text: str
    state: str
    id: str


@dataclass(frozen=True)
class Found:
    """One search result as the page shows it."""

    id: str
    text: str
    marks: list[str]


class Chat:
    """Corella's chat page, and the page before it on which the user goes on line."""

    def __init__(self, thunderbird: Thunderbird) -> None:
        """Knows how to reach it."""
        self._thunderbird = thunderbird

    def is_new_here(self) -> bool:
        """Whether the first page stands before the chat; waits until either page is complete."""

        def decided() -> str:
            for page in ("onboarding.html", "chat.html"):
                if self._thunderbird.has_page(page) and self._thunderbird.seen("html[data-ready]"):
                    return page
            return ""

        return eventually(decided, "Corella's page") == "onboarding.html"

    def go_on_line(self) -> None:
        """On the first page, which is open after the installation: the button."""
        self._thunderbird.page("onboarding.html")
        self._thunderbird.click("#go-online:enabled")
        self._thunderbird.page("chat.html")

    def open_space(self) -> None:
        """Opens the chat by its button among Thunderbird's spaces."""
        with self._thunderbird.window():
            self._thunderbird.click("#spacesToolbarAddonsContainer button")
        # The chat of an earlier time may stand behind it, which Thunderbird opens again with its other tabs.
        eventually(lambda: self._is_in_front("onboarding.html") or self._is_in_front("chat.html"), "Corella in front")

    def is_before_the_user(self) -> None:
        """Waits until the chat is the tab in front."""
        eventually(lambda: self._is_in_front("chat.html"), "the chat in front")

    def _is_in_front(self, page: str) -> bool:
        with contextlib.suppress(MarionetteException):
            hidden = "return document.hidden"
            return self._thunderbird.has_page(page) and not self._thunderbird.marionette.execute_script(hidden)
        return False

    def at(self, address: str) -> None:
        """Waits until the chat shows the conversation with that address."""
        self._thunderbird.page(f"chat.html?with={quote(address, safe='')}")
        self._thunderbird.find(f'#conversation[data-address="{address}"]')

    def open(self, address: str) -> None:
        """Opens a conversation from the list."""
        self._thunderbird.page("chat.html")
        self._thunderbird.click(f'#conversation-list [data-address="{address}"]')
        self.at(address)

    def write(self, text: str) -> None:
        """Types a message and sends it with Enter."""
        self._thunderbird.find("#composer-text:enabled").send_keys(text)
        self._thunderbird.find("#composer-send:enabled")
        self._thunderbird.find("#composer-text").send_keys(Keys.ENTER)

    def lines(self) -> list[Line]:
        """The messages of the open conversation."""
        script = """
            return Array.from(document.querySelectorAll("#messages .message"), one =>
                [one.dataset.direction, one.querySelector(".text").textContent, one.dataset.state, one.dataset.id]);"""
        try:
            return [Line(*line) for line in self._thunderbird.marionette.execute_script(script)]
        except MarionetteException:
            return []

    def sees(self, direction: str, text: str, state: str | None = None, patience: float = PATIENCE) -> Line:
        """Waits for a message on the page."""

        def found() -> Line | None:
            fitting = (line for line in self.lines() if (line.direction, line.text) == (direction, text))
            return next((line for line in fitting if state in (None, line.state)), None)

        return eventually(found, f"the message {text!r} ({direction}, {state or 'any state'})", patience)

    def presence(self) -> str:
        """The presence that the heading of the open conversation shows."""
        said = self._thunderbird.seen("#person-presence")
        if said is None:
            return ""
        with contextlib.suppress(MarionetteException):
            return said.get_attribute("data-status") or ""
        return ""

    def unread(self, address: str) -> str:
        """The unread count beside a conversation."""
        return self._thunderbird.text(f'#conversation-list [data-address="{address}"] .row-badge')

    def accept(self) -> None:
        """Accepts the request that the open conversation begins with."""
        self._thunderbird.click("#accept-request")

    def notice(self) -> str:
        """What the page says about the host; empty while all is well."""
        return self._thunderbird.text("#host-notice")

    def search(self, query: str) -> list[Found]:
        """Types a query and waits for its results."""
        box = self._thunderbird.find("#search-input")
        if self._results():
            # What is there from an earlier query must not be taken for the answer.
            box.send_keys(Keys.ESCAPE)
            eventually(lambda: not self._results(), "that the earlier results go")
        box.clear()
        box.send_keys(query, Keys.ENTER)
        return eventually(self._results, f"results for {query}")

    def open_result(self, message_id: str) -> None:
        """Clicks a result and waits until its message is in sight and set apart."""
        self._thunderbird.click(f'#search-list [data-id="{message_id}"]')

        def in_sight() -> bool:
            with contextlib.suppress(MarionetteException):
                return self._thunderbird.marionette.execute_script(_IN_SIGHT, script_args=[message_id])
            return False

        eventually(in_sight, "the message that was searched for")

    def _results(self) -> list[Found]:
        script = """
            return Array.from(document.querySelectorAll("#search-list .hit"), one =>
                [one.dataset.id, one.querySelector(".snippet").textContent,
                 Array.from(one.querySelectorAll("mark"), mark => mark.textContent)]);"""
        try:
            return [Found(*found) for found in self._thunderbird.marionette.execute_script(script)]
        except MarionetteException:
            return []


_IN_SIGHT = """
const message = document.querySelector(`#messages [data-id="${CSS.escape(arguments[0])}"]`);
if (!message) {
  return false;
}
const box = message.getBoundingClientRect();
const log = document.querySelector("#messages").getBoundingClientRect();
return message.matches(".found") && box.top >= log.top - 1 && box.bottom <= log.bottom + 1;
"""
