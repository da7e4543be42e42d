"""A home directory of one user: nothing that a test starts sees or touches the machine's own files."""

import os
from pathlib import Path

# What a child process keeps of our own environment.
_KEPT = ("PATH", "LANG", "TZ", "RUST_BACKTRACE", "CORELLA_LOG")
# And what gives it another clock.
_CLOCK = ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC")
# And by which certificates it knows https servers.
_CERTIFICATES = ("SSL_CERT_FILE",)

# Traffic stays on this machine, whoever starts the host.
LOOPBACK = ("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1")


class Home:
    """A throw-away HOME with the folders that the XDG rules name."""

    def __init__(self, root: Path) -> None:
        """Makes the folders below `root`, or takes up what an earlier `Home` left there."""
        self.root = root
        self.data = root / ".local" / "share"
        self.config = root / ".config"
        self.runtime = root / "run"
        # Two Thunderbirds that write a mail would take each other's file away.
        self.temporary = root / "tmp"
        for folder in (self.data, self.config, self.runtime, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        self.runtime.chmod(0o700)

    def environment(self, **more: str) -> dict[str, str]:
        """The whole environment of a child process of this user."""
        kept = {name: os.environ[name] for name in (*_KEPT, *_CLOCK, *_CERTIFICATES) if name in os.environ}
        return {
            "LANG": "C.UTF-8",
            "RUST_BACKTRACE": "1",
            **kept,
            "HOME": str(self.root),
            "XDG_DATA_HOME": str(self.data),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_CACHE_HOME": str(self.root / ".cache"),
            "XDG_STATE_HOME": str(self.root / ".local" / "state"),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": str(self.temporary),
            **more,
        }

    def configure(self, bootstrap: list[str], authority: str = "", trust: Path | None = None) -> None:
        """Writes the settings of a host that is started without arguments: loopback only, this way into the network.

        It trusts that root, and asks that authority for certificates.
        """
        lines = [f"listen = {_toml(LOOPBACK)}", f"bootstrap = {_toml(bootstrap)}", "mdns = false"]
        if trust is not None:
            lines += [f'trust = "{trust}"', f'authority = "{authority}"']
        folder = self.config / "corella"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text("\n".join(lines) + "\n")


def _toml(words: list[str] | tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"
