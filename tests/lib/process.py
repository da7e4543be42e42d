"""One child process, ended whatever happens."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from lib.home import Home


class Process:
    """A running command of the host; what it says on stderr goes to a file."""

    def __init__(self, argv: list[str], home: Home, log: Path) -> None:
        """Starts `argv` as the user of `home`."""
        self.log = log
        self._stderr = log.open("ab")
        self.child = subprocess.Popen(
            argv,
            env=home.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=home.root,
            bufsize=0,
        )

    def send_eof(self) -> None:
        """Closes its stdin."""
        assert self.child.stdin is not None
        self.child.stdin.close()

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self.child.send_signal(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: what it has open stays open, and it does nothing."""
        self.child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT, after `freeze`."""
        self.child.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9, and waits until it is gone; harmless when it is gone already."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        # Its output is left to whoever reads it: a thread that is about to would read the next process's by its number.
        if self.child.stdin is not None:
            with contextlib.suppress(OSError):
                self.child.stdin.close()
        self._stderr.close()

    def ended(self, within: float) -> int:
        """Its exit code (negative: the signal), which must come within that many seconds."""
        begun = time.monotonic()
        try:
            code = self.child.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} s; {self.said()}") from None
        assert time.monotonic() - begun <= within
        return code

    def said(self) -> str:
        """The end of its stderr, for messages."""
        return "its stderr ends: " + self.log.read_text(errors="replace")[-2000:]
