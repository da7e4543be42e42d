"""Every dependency's licence is on deny.toml's list, and every dependency comes from the public registry."""

import json
import subprocess
import tomllib
from typing import Any

import pytest

from lib.built import REPOSITORY
from lib.spdx import satisfies

REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


@pytest.fixture(scope="module")
def packages() -> list[dict[str, Any]]:
    """Every package that a build for any system may use."""
    words = ["cargo", "metadata", "--format-version", "1", "--locked"]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["packages"]


def test_every_licence_is_allowed(packages: list[dict[str, Any]]) -> None:
    allowed = tomllib.loads((REPOSITORY / "deny.toml").read_text())["licenses"]["allow"]
    assert len(packages) > 100
    refused = {
        package["name"]: package["license"]
        for package in packages
        if not package["license"] or not satisfies(package["license"], allowed)
    }
    assert refused == {}


def test_every_dependency_comes_from_the_public_registry(packages: list[dict[str, Any]]) -> None:
    sources = {package["source"] for package in packages if package["source"] is not None}
    assert sources == {REGISTRY}


def test_the_list_allows_nothing_that_binds_the_whole() -> None:
    allowed = tomllib.loads((REPOSITORY / "deny.toml").read_text())["licenses"]["allow"]
    assert [licence for licence in allowed if "GPL" in licence] == []


def test_host_and_add_on_share_one_version() -> None:
    workspace = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    manifest = json.loads((REPOSITORY / "extension" / "manifest.json").read_text())
    assert manifest["version"] == workspace


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT/Apache-2.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-2.0) AND Zlib", True),
        ("(GPL-2.0 OR GPL-3.0) AND MIT", False),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("MIT OR Apache-2.0 AND GPL-3.0-only", True),
    ],
)
def test_licence_expressions(expression: str, verdict: bool) -> None:
    assert satisfies(expression, {"MIT", "Apache-2.0", "Zlib"}) is verdict


@pytest.mark.parametrize("expression", ["", "MIT OR", "(MIT", "MIT MIT", ")"])
def test_broken_licence_expressions_are_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="licence expression"):
        satisfies(expression, {"MIT"})
