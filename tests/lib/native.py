"""The host as Thunderbird starts it, over native messaging frames."""

import contextlib
from pathlib import Path
from typing import Any

from lib import built
from lib.home import Home
from lib.process import Process
from lib.rpc import Frames, Rpc

Json = Any


class NativeHost(Rpc):
    """A host with the arguments that Thunderbird gives: the manifest's path and the add-on's id."""

    def __init__(self, home: Home, manifest: Path | None = None) -> None:
        """Starts it; it reads its network settings from the home's config."""
        self.home = home
        manifest = manifest or home.root / ".mozilla" / "native-messaging-hosts" / f"{built.HOST_NAME}.json"
        argv = [str(built.host()), str(manifest), built.ADDON_ID]
        super().__init__(Process(argv, home, home.root / "host.log"), Frames())

    def hello(self, version: str | None = None, profile: str = "test-profile") -> Json:
        """The first call."""
        greeting = {"client": "corella-addon", "version": version or built.version(), "profile": profile}
        return self.call("hello", greeting)

    def enrol(self, address: str) -> Json:
        """Makes an identity and goes on line with it."""
        return self.call("identity/enrol", {"address": address})

    def end(self) -> int:
        """Closes its stdin, as Thunderbird does when it quits; gives the exit code."""
        with contextlib.suppress(OSError):
            self.process.send_eof()
        return self.process.ended(within=2)
