"""One user with all that is theirs: home, registered host, screen, Thunderbird with Corella in it."""

import subprocess
from pathlib import Path

import psutil

from lib import built
from lib.display import Display
from lib.home import Home
from lib.pages import AddressBook, Chat
from lib.profile import write_profile
from lib.thunderbird import Thunderbird


class Person:
    """Someone at a screen."""

    def __init__(self, root: Path, name: str, address: str, bootstrap: list[str]) -> None:
        """Registers the host in a home below `root` and prepares the profile; nothing runs yet."""
        self.name, self.address = name, address
        self.home = Home(root)
        self.home.configure(bootstrap)
        subprocess.run([built.host(), "install"], env=self.home.environment(), check=True, capture_output=True)
        write_profile(root / "profile", built.xpi(), address, name, {"marionette.port": 0})
        self._display: Display | None = None
        self.thunderbird = Thunderbird(self.home, None)
        self.address_book = AddressBook(self.thunderbird)
        self.chat = Chat(self.thunderbird)

    def start(self) -> None:
        """Opens Thunderbird on a screen of its own."""
        if self._display is None:
            self._display = Display(self.home)
            self.thunderbird.display = self._display
        self.thunderbird.start()

    def hosts(self) -> list[psutil.Process]:
        """The running hosts that this Thunderbird started."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            words = process.info["cmdline"] or []
            home = (process.info["environ"] or {}).get("HOME")
            if built.ADDON_ID in words and home == str(self.home.root):
                found.append(process)
        return found

    def screenshot(self, name: str) -> Path:
        """Keeps a picture of the screen under that name."""
        path = built.artifacts() / f"{name}.png"
        self.thunderbird.screenshot(path)
        return path

    def end(self) -> None:
        """Ends everything of this person."""
        self.thunderbird.kill()
        if self._display is not None:
            self._display.stop()
            self._display = None
