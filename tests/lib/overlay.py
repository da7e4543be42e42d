"""A small overlay, and a look at what one of its nodes keeps."""

import hashlib
import sqlite3
import time
from pathlib import Path

from lib.people import People


class Overlay:
    """Three nodes, and what the first of them keeps."""

    def __init__(self, people: People, scratch: Path) -> None:
        """Starts them."""
        self.way_in = people.node("first")
        people.node("second", self.way_in)
        people.node("third", self.way_in)
        (self._file,) = (scratch / "first").glob("**/overlay.sqlite")

    def keeps(self, key: str) -> int:
        """How many records are current under a clear key; a removal is none, and ends soon or has no recipient."""
        place = hashlib.sha256(key.encode()).digest()
        lasting = (time.time() + 120) * 1000
        with sqlite3.connect(f"file:{self._file}?mode=ro", uri=True) as database:
            (count,) = database.execute(
                "SELECT count(*) FROM record WHERE place = ? AND recipient IS NOT NULL AND expires > ?",
                (place, lasting),
            ).fetchone()
        return count
