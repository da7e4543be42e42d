"""The first call, the version rule, and what the bridge says before and after it."""

from collections.abc import Callable

import pytest

from lib import built
from lib.home import Home
from lib.methods import METHODS
from lib.native import NativeHost
from lib.rpc import RpcError


def test_hello_tells_version_protocol_and_addresses(host: NativeHost) -> None:
    assert host.hello() == {"version": built.version(), "protocol": 1, "addresses": []}


def test_hello_tells_the_address_of_an_earlier_time(host: NativeHost, home: Home) -> None:
    host.hello()
    host.enrol("alice@example.net")
    assert host.end() == 0
    with NativeHost(home) as again:
        assert again.hello()["addresses"] == ["alice@example.net"]


@pytest.mark.parametrize("method", METHODS)
def test_before_hello_every_call_is_refused_and_the_bridge_stays(host: NativeHost, method: str) -> None:
    with pytest.raises(RpcError) as refusal:
        host.call(method, METHODS[method])
    assert (refusal.value.code, refusal.value.name) == (1, "hello-first")
    assert host.hello()["protocol"] == 1


def other_version(change: Callable[[int, int], tuple[int, int]]) -> str:
    major, minor, patch = (int(part) for part in built.version().split("."))
    major, minor = change(major, minor)
    return f"{major}.{minor}.{patch}"


@pytest.mark.parametrize(
    ("version", "side"),
    [
        pytest.param(other_version(lambda major, minor: (major, minor + 1)), "host", id="newer-minor"),
        pytest.param(other_version(lambda major, minor: (major + 1, 0)), "host", id="newer-major"),
        pytest.param(other_version(lambda major, minor: (0, 0)), "addon", id="older"),
    ],
)
def test_an_unequal_version_is_refused_naming_the_side_to_update(host: NativeHost, version: str, side: str) -> None:
    with pytest.raises(RpcError) as refusal:
        host.hello(version)
    assert (refusal.value.code, refusal.value.name) == (2, "version-mismatch")
    assert {name: refusal.value.data[name] for name in ("side", "addon", "host")} == {
        "side": side,
        "addon": version,
        "host": built.version(),
    }
    with pytest.raises(RpcError) as refusal:
        host.call("status")
    assert refusal.value.name == "hello-first"


def test_another_patch_level_is_welcome(host: NativeHost) -> None:
    major, minor, patch = built.version().split(".")
    assert host.hello(f"{major}.{minor}.{int(patch) + 7}")["protocol"] == 1


@pytest.mark.parametrize("version", ["", "1", "one.two.three", "0.1", "-1.0.0", "0.1.0.0"])
def test_a_version_that_is_none_is_refused(host: NativeHost, version: str) -> None:
    with pytest.raises(RpcError) as refusal:
        host.call("hello", {"client": "corella-addon", "version": version, "profile": "p"})
    assert refusal.value.name in ("invalid-params", "version-mismatch")


@pytest.mark.parametrize("profile", ["", "../escape", "a/b", ".", "Upper", "x" * 65, "nul\0", "späße"])
def test_a_profile_that_is_no_plain_name_is_refused(host: NativeHost, home: Home, profile: str) -> None:
    before = sorted(home.root.rglob("*"))
    with pytest.raises(RpcError) as refusal:
        host.hello(profile=profile)
    assert (refusal.value.code, refusal.value.name) == (-32602, "invalid-params")
    assert sorted(home.root.rglob("*")) == before


def test_each_profile_has_data_of_its_own(home: Home, host: NativeHost) -> None:
    host.hello(profile="first")
    host.enrol("alice@example.net")
    host.end()
    with NativeHost(home) as second:
        assert second.hello(profile="second")["addresses"] == []
    with NativeHost(home) as first:
        assert first.hello(profile="first")["addresses"] == ["alice@example.net"]


def test_a_profile_in_use_is_said(home: Home, host: NativeHost) -> None:
    host.hello(profile="one")
    host.enrol("alice@example.net")
    with NativeHost(home) as other, pytest.raises(RpcError) as refusal:
        other.hello(profile="one")
    assert (refusal.value.code, refusal.value.name) == (11, "in-use")
    assert host.call("identity/list")["identities"][0]["address"] == "alice@example.net"
