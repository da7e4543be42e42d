"""A screen of its own for each Thunderbird, so that no window covers another or takes its focus."""

import os
import select
import subprocess
from pathlib import Path

from lib.home import Home

# Seconds until a virtual screen must be there.
_PATIENCE = 30.0
# So often a screen that never rests (a blinking caret) is looked at.
_LOOKS = 6


class Display:
    """An Xvfb with a window manager."""

    def __init__(self, home: Home, size: str = "1400x900") -> None:
        """Starts both; the X server picks a free number itself."""
        reading, writing = os.pipe()
        self._log = (home.root / "display.log").open("ab")
        words = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
        self._server = self._spawn(words, home.environment(), pass_fds=(writing,))
        os.close(writing)
        self.name = ":" + _first_line(reading, self._server)
        self._environment = home.environment(DISPLAY=self.name)
        self._manager = self._spawn(["openbox"], self._environment)

    def screenshot(self, path: Path) -> None:
        """Writes what the screen shows, once it shows the same twice: until then something is still being drawn."""
        path.parent.mkdir(parents=True, exist_ok=True)
        last = b""
        for _ in range(_LOOKS):
            picture = subprocess.run(
                ["import", "-window", "root", "png:-"], env=self._environment, check=True, capture_output=True
            ).stdout
            if picture == last:
                break
            last = picture
        path.write_bytes(last)

    def stop(self) -> None:
        """Ends both."""
        for process in (self._manager, self._server):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()

    def _spawn(
        self, words: list[str], environment: dict[str, str], pass_fds: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, pass_fds=pass_fds
        )


def _first_line(pipe: int, server: subprocess.Popen[bytes]) -> str:
    """The display's number, which Xvfb writes when it is ready."""
    text = b""
    with open(pipe, "rb", buffering=0) as stream:
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([stream], [], [], _PATIENCE)
            piece = stream.read(16) if ready else b""
            if not piece:
                server.kill()
                raise RuntimeError("Xvfb did not come up; see display.log")
            text += piece
    return text.decode().strip()
