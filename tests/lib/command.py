"""Commands that run and end: `corella install`, `doctor`, `search` and the like."""

import subprocess
from dataclasses import dataclass

from lib import built
from lib.home import Home


@dataclass(frozen=True)
class Ended:
    """What an ended command left."""

    code: int
    out: str
    err: str


def corella(home: Home, *words: str, patience: float = 60) -> Ended:
    """Runs `corella words…` to its end."""
    done = subprocess.run(
        [built.host(), *words],
        env=home.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
