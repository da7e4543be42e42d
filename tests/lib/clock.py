"""Another day, for whatever is started after it."""

from pathlib import Path

import pytest


def put_ahead(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """From now on every process that the test starts has a clock that is ahead."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAKETIME", f"+{days}d")
    # How long something takes is as before.
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
