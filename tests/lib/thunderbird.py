"""A real Thunderbird, driven over Marionette: its own profile, home and screen."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from marionette_driver.errors import MarionetteException
from marionette_driver.marionette import Marionette, WebElement

from lib.built import ADDON_ID
from lib.display import Display
from lib.home import Home
from lib.waiting import PATIENCE, eventually

Json = Any

# Starting may include building the profile's databases on a busy machine.
_START = 180.0
_OPEN_PAGE = """
const policy = WebExtensionPolicy.getByID(arguments[0]);
Services.wm.getMostRecentWindow("mail:3pane").gTabmail.openTab("contentTab", {
  url: arguments[1],
  linkHandler: "single-page",
  triggeringPrincipal: policy.extension.principal,
  initialBrowsingContextGroupId: policy.browsingContextGroupId,
});
"""
# A page hidden behind another tab draws nothing: then there is nothing to wait for.
_DRAWN = """
const [done] = arguments;
if (document.hidden) {
  done();
}
requestAnimationFrame(() => requestAnimationFrame(done));
"""
_TABS = Path(__file__).with_name("marionette_tabs.js")


def program() -> str:
    """Thunderbird itself rather than a wrapper script, so that the process is ours to watch and to end."""
    debian = Path("/usr/lib/thunderbird/thunderbird")
    found = str(debian) if debian.exists() else shutil.which("thunderbird")
    if not found:
        raise FileNotFoundError("there is no Thunderbird on this machine")
    return found


class Thunderbird:
    """One Thunderbird; it can be started again on the same profile."""

    def __init__(self, home: Home, display: Display | None) -> None:
        """Uses the profile below `home`; without a display it runs headless."""
        self.home, self.display = home, display
        self.profile = home.root / "profile"
        self._process: subprocess.Popen[bytes] | None = None
        self.marionette: Marionette

    def start(self) -> Self:
        """Starts it and waits until it can be driven."""
        announced = self.profile / "MarionetteActivePort"
        announced.unlink(missing_ok=True)
        where = {"DISPLAY": self.display.name} if self.display else {"MOZ_HEADLESS": "1"}
        words = [program(), "--marionette", "-remote-allow-system-access", "-no-remote", "-profile", str(self.profile)]
        with (self.home.root / "thunderbird.log").open("ab") as log:
            self._process = subprocess.Popen(
                words, env=self.home.environment(**where), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

        def port() -> int:
            assert self._process is not None and self._process.poll() is None, "Thunderbird ended; see thunderbird.log"
            with contextlib.suppress(FileNotFoundError, ValueError):
                return int(announced.read_text())
            return 0

        self.marionette = Marionette(host="127.0.0.1", port=eventually(port, "Thunderbird to come up", _START))
        self.marionette.start_session()
        self.marionette.timeout.script = PATIENCE
        self.chrome(_TABS.read_text())
        ready = "return Services.wm.getMostRecentWindow('mail:3pane')?.gMailInit?.delayedStartupFinished ?? false;"
        eventually(lambda: self.chrome(ready), "Thunderbird's main window", _START)
        return self

    def quit(self) -> None:
        """Ends it as a user does, with everything saved."""
        assert self._process is not None
        with contextlib.suppress(MarionetteException, OSError):
            self.chrome("Services.startup.quit(Ci.nsIAppStartup.eForceQuit);")
        try:
            self._process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends it at once; harmless when it is gone already."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        if self._process is not None:
            self._process.wait()
            self._process = None

    def wait(self) -> int:
        """Waits until the user closes it."""
        assert self._process is not None
        return self._process.wait()

    def screenshot(self, path: Path) -> None:
        """Writes what its screen shows."""
        assert self.display is not None, "a headless Thunderbird has no screen"
        with contextlib.suppress(MarionetteException, OSError, AttributeError):
            self.marionette.execute_async_script(_DRAWN)
        self.display.screenshot(path)

    def chrome(self, script: str, *arguments: Json) -> Json:
        """Runs privileged JavaScript in the application; `return` gives the value."""
        with self.marionette.using_context("chrome"):
            return self.marionette.execute_script(script, script_args=list(arguments), sandbox="system")

    def open_page(self, path: str) -> None:
        """Opens a page of the add-on in a tab and makes it the current one."""
        url = self.chrome("return WebExtensionPolicy.getByID(arguments[0]).getURL(arguments[1])", ADDON_ID, path)
        self.chrome(_OPEN_PAGE, ADDON_ID, url)
        self.page(path)

    def has_page(self, fragment: str) -> bool:
        """Whether a tab, popup or window shows a page whose address contains `fragment`; makes it the current one.

        Of several it is the one in front: what the user sees, and pictures show.
        """
        self.marionette.set_context("content")
        behind = None
        for handle in self.marionette.window_handles:
            # Pages come and go while we look.
            with contextlib.suppress(MarionetteException):
                self.marionette.switch_to_window(handle, focus=False)
                if fragment in self.marionette.get_url():
                    if not self.marionette.execute_script("return document.hidden"):
                        return True
                    behind = behind or handle
        with contextlib.suppress(MarionetteException):
            if behind:
                self.marionette.switch_to_window(behind, focus=False)
                return True
        return False

    def page(self, fragment: str, patience: float = PATIENCE) -> None:
        """Waits for such a page and makes it the current one."""
        eventually(lambda: self.has_page(fragment), f"a page with {fragment}", patience)

    def pages(self) -> list[str]:
        """The addresses of all pages that are open."""
        self.marionette.set_context("content")
        found = []
        for handle in self.marionette.window_handles:
            with contextlib.suppress(MarionetteException):
                self.marionette.switch_to_window(handle, focus=False)
                found.append(self.marionette.get_url())
        return found

    def seen(self, css: str) -> WebElement | None:
        """The first element that fits and is displayed in the current page."""
        with contextlib.suppress(MarionetteException):
            for element in self.marionette.find_elements("css selector", css):
                if element.is_displayed():
                    return element
        return None

    def find(self, css: str, patience: float = PATIENCE) -> WebElement:
        """Waits for such an element."""
        return eventually(lambda: self.seen(css), f"{css} on the page", patience)

    def click(self, css: str, patience: float = PATIENCE) -> None:
        """Waits for the element and clicks it, as a user does."""

        def clicked() -> bool:
            # It may move or be redrawn under the pointer.
            with contextlib.suppress(MarionetteException):
                element = self.seen(css)
                if element is not None:
                    element.click()
                    return True
            return False

        eventually(clicked, f"{css} to click", patience)

    def text(self, css: str) -> str:
        """The text that an element shows; empty when it is not there."""
        with contextlib.suppress(MarionetteException):
            element = self.seen(css)
            return element.text if element else ""
        return ""

    def texts(self, css: str) -> list[str]:
        """The texts of all elements that fit."""
        script = "return Array.from(document.querySelectorAll(arguments[0]), one => one.textContent.trim());"
        try:
            return self.marionette.execute_script(script, script_args=[css])
        except MarionetteException:
            return []

    @contextlib.contextmanager
    def window(self) -> Iterator[None]:
        """Thunderbird's own main window as the current document."""
        with self.marionette.using_context("chrome"):
            self.marionette.switch_to_window(self.marionette.chrome_window_handles[0], focus=False)
            yield
