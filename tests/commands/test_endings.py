"""How processes end: end of input, SIGTERM, and two on one data directory."""

import fcntl
import stat
import sys
import termios
from pathlib import Path
from typing import IO

import pytest

from lib import built
from lib.agent import Agent, Helper
from lib.home import LOOPBACK, Home
from lib.native import NativeHost
from lib.people import People
from lib.process import Process
from lib.waiting import eventually

ALICE = "alice@example.net"
ECHO = "echo@corella.invalid"
# The promise of the design: each process ends cleanly within this many seconds.
CLEAN_END = 2.0


@pytest.mark.parametrize("way", ["send_eof", "terminate"])
def test_an_agent_ends_cleanly_within_two_seconds(people: People, way: str) -> None:
    agent = people.agent("alice")
    agent.on_line()
    getattr(agent.process, way)()
    assert agent.process.ended(within=CLEAN_END) == 0


@pytest.mark.parametrize("way", ["send_eof", "terminate"])
@pytest.mark.parametrize("is_enrolled", [False, True])
def test_a_host_ends_cleanly_within_two_seconds(host: NativeHost, way: str, is_enrolled: bool) -> None:
    host.hello()
    if is_enrolled:
        host.enrol(ALICE)
        host.wait("status/changed")
    getattr(host.process, way)()
    assert host.process.ended(within=CLEAN_END) == 0


@pytest.mark.parametrize("way", ["send_eof", "terminate"])
def test_an_agent_that_nobody_reads_ends_cleanly_within_two_seconds(home: Home, way: str) -> None:
    argv = [str(built.host()), "agent", "--data", str(home.data), "--address", ALICE, "--no-mdns"]
    agent = Process([*argv, "--listen", LOOPBACK[0]], home, home.root / "log")
    try:
        request = b'{"jsonrpc":"2.0","id":1,"method":"status"}\n'
        assert agent.child.stdin is not None
        # The pipe and every queue behind it are full of answers.
        agent.child.stdin.write(request * 10_000)
        eventually(lambda: _waits_in_pipe(agent.child.stdout) >= 30_000, "the answers do not come")
        getattr(agent, way)()
        assert agent.ended(within=CLEAN_END) == 0
    finally:
        agent.kill()


def _waits_in_pipe(pipe: IO[bytes] | None) -> int:
    assert pipe is not None
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_node_ignores_its_input_and_ends_by_sigterm(people: People, home: Home) -> None:
    node = people.keep(Helper(home, "node"))
    status = node.status()
    assert status["online"] and status["peer"]
    node.process.send_eof()
    people.agent("alice", bootstrap=status["listen"]).on_line()
    node.process.terminate()
    assert node.process.ended(within=CLEAN_END) == 0


def test_an_echo_ignores_its_input_and_ends_by_sigterm(people: People, home: Home) -> None:
    node = people.node()
    echo = people.keep(Helper(home, "echo", bootstrap=node))
    alice = people.agent("alice", node)
    alice.on_line()
    alice.write(ECHO, "hello")
    alice.hears("hello", ECHO)
    echo.process.send_eof()
    alice.write(ECHO, "still there?")
    alice.hears("still there?", ECHO)
    echo.process.terminate()
    assert echo.process.ended(within=CLEAN_END) == 0


def test_a_node_says_where_it_is(people: People, home: Home) -> None:
    node = people.keep(Helper(home, "node"))
    status = node.status()
    assert any("/tcp/" in one for one in status["listen"]) and any("/quic-v1" in one for one in status["listen"])
    assert all(one.startswith("/ip4/127.0.0.1/") and one.endswith(status["peer"]) for one in status["listen"])


def test_a_node_keeps_its_peer_id(people: People, home: Home) -> None:
    first = people.keep(Helper(home, "node"))
    peer = first.status()["peer"]
    first.process.terminate()
    assert first.process.ended(within=CLEAN_END) == 0
    assert people.keep(Helper(home, "node")).status()["peer"] == peer


def test_a_second_agent_on_one_data_directory_says_so(people: People) -> None:
    first = people.agent("alice")
    first.on_line()
    second = people.keep(Agent(first.home, ALICE, data=first.data))
    assert second.process.ended(within=30) == 1
    log = second.process.log.read_text()
    assert "in use" in log or "another" in log.lower(), log
    assert first.call("status")["online"]


def test_a_killed_agent_leaves_the_directory_free(people: People) -> None:
    first = people.agent("alice")
    peer = first.on_line()["peer"]
    first.process.kill()
    assert people.again(first).on_line()["peer"] == peer


def test_files_are_for_their_owner_only(people: People) -> None:
    agent = people.agent("alice")
    agent.on_line()
    agent.write("bob@example.net", "hello")
    wrong = [str(path) for path in (agent.data, *agent.data.rglob("*")) if not is_private(path)]
    assert wrong == []


def is_private(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_IMODE(mode) & 0o077 == 0


def test_the_log_holds_no_text_no_address_and_no_key(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORELLA_LOG", "debug")
    agent = people.agent("alice")
    other = people.agent("bob", bootstrap=agent.on_line()["listen"])
    other.on_line()
    other.call("buddies/add", {"address": ALICE})
    agent.call("buddies/add", {"address": other.address})
    agent.write(other.address, "a-secret-word")
    other.hears("a-secret-word", ALICE)
    fingerprints = [one.call("identity/list")["identities"][0]["fingerprint"] for one in (agent, other)]
    for process in (agent.process, other.process):
        log = process.log.read_text()
        assert "DEBUG" in log
        private = ["a-secret-word", "PRIVATE KEY", ALICE, other.address, *fingerprints]
        assert [word for word in private if word in log] == []
