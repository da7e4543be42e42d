"""A small overlay, and a look at what one of its nodes keeps."""

import hashlib
import sqlite3
import time
from pathlib import Path

from lib.people import People


def claims(node: Path, address: str) -> int:
    """How many devices say at a node, by its home, that they are this person's."""
    (file,) = node.glob("**/overlay.sqlite")
    return _count(file, f"sip:{address}", "expires > ?", time.time() * 1000)


def _count(file: Path, key: str, condition: str, *values: float) -> int:
    place = hashlib.sha256(key.encode()).digest()
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        query = f"SELECT count(*) FROM record WHERE place = ? AND {condition}"
        (count,) = database.execute(query, (place, *values)).fetchone()
    return count


class Overlay:
    """Three nodes, and what the first of them keeps."""

    def __init__(self, people: People, scratch: Path) -> None:
        """Starts them."""
        self.way_in = people.node("first")
        people.node("second", self.way_in)
        people.node("third", self.way_in)
        (self._file,) = (scratch / "first").glob("**/overlay.sqlite")

    def classes(self, key: str) -> list[int]:
        """Of each record under a clear key, how well the node knows who wrote it."""
        place = hashlib.sha256(key.encode()).digest()
        with sqlite3.connect(f"file:{self._file}?mode=ro", uri=True) as database:
            rows = database.execute("SELECT class FROM record WHERE place = ? ORDER BY class", (place,))
            return [number for (number,) in rows]

    def current(self, key: str) -> int:
        """How many records of whatever kind are current under a clear key."""
        return _count(self._file, key, "expires > ?", time.time() * 1000)

    def keeps(self, key: str) -> int:
        """How many records are current under a clear key; a removal is none, and ends soon or has no recipient."""
        lasting = (time.time() + 120) * 1000
        return _count(self._file, key, "recipient IS NOT NULL AND expires > ?", lasting)
