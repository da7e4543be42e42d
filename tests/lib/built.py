"""Where the built host and add-on are: told by `cargo xtask test`, or found in the target folder."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ADDON_ID = "corella@p2p-sip"
HOST_NAME = "org.p2p_sip.corella"


def _target() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))


def host() -> Path:
    """The binary `corella`."""
    return _found(os.environ.get("CORELLA_HOST"), _target() / "debug" / "corella")


def certifier() -> Path:
    """The binary `corella-ca`."""
    return _found(None, host().parent / "corella-ca")


def example(name: str) -> Path:
    """An example program of the overlay."""
    return _found(None, host().parent / "examples" / name)


def xpi() -> Path:
    """The add-on's package."""
    return _found(os.environ.get("CORELLA_XPI"), _target() / "corella.xpi")


def artifacts() -> Path:
    """The folder for screenshots and logs that are worth keeping."""
    folder = Path(os.environ.get("CORELLA_ARTIFACTS", _target() / "test-artifacts"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def version() -> str:
    """The version in the workspace's Cargo.toml, which host and add-on share."""
    for line in (REPOSITORY / "Cargo.toml").read_text().splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise AssertionError("Cargo.toml names no version")


def _found(told: str | None, usual: Path) -> Path:
    path = Path(told) if told else usual
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: run `cargo xtask test --only system`, which builds it")
    return path.resolve()
