"""What of Corella stands in Thunderbird's main window and on the desktop: its buttons, and its notifications."""

from dataclasses import dataclass
from pathlib import Path

from lib.built import ADDON_ID
from lib.thunderbird import Thunderbird
from lib.waiting import eventually

_BUTTON = f'.unified-toolbar-button[extension="{ADDON_ID}"]'
_SHOW_MAIL = """
const about = Services.wm.getMostRecentWindow("mail:3pane").document.getElementById("tabmail").currentAbout3Pane;
if (!about?.displayFolder) {
  return false;
}
about.displayFolder("mailbox://nobody@Local%20Folders/Inbox");
if (about.threadTree?.view?.rowCount !== 1) {
  return false;
}
about.threadTree.selectedIndex = 0;
return true;
"""
_CLICK_IN_HEADER = """
const tabs = Services.wm.getMostRecentWindow("mail:3pane").document.getElementById("tabmail");
const button = tabs.currentAboutMessage?.document.getElementById(arguments[0]);
if (!button?.getBoundingClientRect().width) {
  return false;
}
button.click();
return true;
"""
_NOTIFICATION = """
const shown = Services.wm.getMostRecentWindow("alert:alert")?.document;
const said = one => one?.getAttribute("value") || one?.textContent;
const words = ["alertTitleLabel", "alertTextLabel"].map(id => said(shown?.getElementById(id)));
// The window is there before its words are.
return words.every(Boolean) ? words : null;
"""
_CLICK_NOTIFICATION = """
Services.wm.getMostRecentWindow("alert:alert").document.getElementById("alertBox").click();
"""


@dataclass(frozen=True)
class Notification:
    """What a notification says."""

    title: str
    text: str


def put_mail(profile: Path, sender: str, subject: str) -> None:
    """One mail in the local inbox, before Thunderbird is started."""
    folder = profile / "Mail" / "Local Folders"
    folder.mkdir(parents=True)
    lines = [
        "From - Mon Jan 05 12:00:00 2026",
        f"From: {sender}",
        f"Subject: {subject}",
        "Date: Mon, 5 Jan 2026 12:00:00 +0000",
        "Message-ID: <1@example.net>",
        "",
        "See you.",
        "",
    ]
    (folder / "Inbox").write_text("\n".join(lines))


class MainWindow:
    """Thunderbird's main window."""

    def __init__(self, thunderbird: Thunderbird) -> None:
        """Knows how to reach it."""
        self._thunderbird = thunderbird

    def open_mail(self) -> None:
        """Opens the mail by its button."""
        with self._thunderbird.window():
            self._thunderbird.click("#mailButton")

    def click_button(self) -> None:
        """Clicks Corella's button in the toolbar."""
        with self._thunderbird.window():
            self._thunderbird.click(_BUTTON)

    def badge(self) -> str:
        """What stands on that button."""
        with self._thunderbird.window():
            button = self._thunderbird.seen(_BUTTON)
            return (button.get_attribute("badge") or "") if button else ""

    def read_mail(self) -> None:
        """Shows the one mail of the local inbox."""
        self.open_mail()
        eventually(lambda: self._thunderbird.chrome(_SHOW_MAIL), "the mail in the inbox")

    def click_button_of_mail(self) -> None:
        """Clicks Corella's button above the mail that is shown."""
        button = f"{ADDON_ID.replace('@', '_')}-messageDisplayAction-toolbarbutton"
        eventually(lambda: self._thunderbird.chrome(_CLICK_IN_HEADER, button), "Corella's button above a mail")

    def notification(self) -> Notification:
        """Waits for a notification on the desktop."""
        return Notification(*eventually(lambda: self._thunderbird.chrome(_NOTIFICATION), "a notification"))

    def click_notification(self) -> None:
        """Clicks it."""
        self._thunderbird.chrome(_CLICK_NOTIFICATION)
