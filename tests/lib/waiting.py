"""Waiting for conditions. Every wait has a deadline and says what it waited for."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Generous, because the tests also run on slow and busy machines. Bounds that the product promises are written where
# they are asserted.
PATIENCE = 60.0
# Between two looks at a condition that nobody announces.
GLANCE = 0.05


def eventually(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Looks until `condition` gives something true and returns it; fails, naming `what`, when patience ends."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain for: {what}; last seen: {found!r}")
        time.sleep(GLANCE)
