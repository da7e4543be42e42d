"""Hostile input: an error reply or a clean end; never a hang, never an exit by signal."""

import json
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lib.agent import Agent
from lib.home import Home
from lib.methods import METHODS
from lib.native import NativeHost
from lib.rpc import LARGEST_FRAME, Rpc, RpcError

Json = Any
ALICE = "alice@example.net"


@pytest.fixture(params=["frames", "lines"])
def bridge(request: pytest.FixtureRequest, home: Home) -> Iterator[Rpc]:
    """Both carriages, with an identity."""
    if request.param == "lines":
        with Agent(home, ALICE) as agent:
            agent.on_line()
            yield agent
    else:
        with NativeHost(home) as host:
            host.hello()
            host.enrol(ALICE)
            yield host


def is_well(bridge: Rpc) -> bool:
    return bridge.call("status")["addresses"] == [ALICE]


def frame(length: int, body: bytes = b"") -> bytes:
    return struct.pack("=I", length) + body


@pytest.mark.parametrize("length", [0, LARGEST_FRAME + 1, 2**31, 2**32 - 1])
def test_a_frame_of_impossible_length_ends_the_host_cleanly(host: NativeHost, length: int) -> None:
    host.send_raw(frame(length, b"{}"))
    error = host.next_stray()
    assert error["id"] is None
    assert (error["error"]["code"], error["error"]["data"]["name"]) == (13, "bad-frame")
    assert host.process.ended(within=10) == 0


def padded_status(size: int) -> bytes:
    request = b'{"jsonrpc":"2.0","id":"big","method":"status"'
    return request + b" " * (size - len(request) - 1) + b"}"


def test_the_largest_frame_is_answered(host: NativeHost) -> None:
    host.hello()
    host.send(padded_status(LARGEST_FRAME))
    answer = host.next_stray()
    assert answer["id"] == "big" and "result" in answer


def test_a_line_over_the_limit_is_refused(home: Home) -> None:
    with Agent(home, ALICE) as agent:
        agent.on_line()
        agent.send(padded_status(LARGEST_FRAME))
        assert agent.next_stray()["id"] == "big"
        agent.send(padded_status(LARGEST_FRAME + 1))
        error = agent.next_stray()
        assert error["id"] is None and error["error"]["code"] == 13
        assert agent.process.ended(within=10) == 0


@pytest.mark.parametrize("part", [b"", frame(100)[:2], frame(100), frame(100, b'{"jsonrpc":')])
def test_a_stream_that_breaks_off_ends_the_host_cleanly(host: NativeHost, part: bytes) -> None:
    host.send_raw(part)
    host.process.send_eof()
    assert host.process.ended(within=2) == 0


NO_JSON = [
    b"x",
    b"{",
    b"}",
    b'{"jsonrpc":"2.0","id":1,"method":"status"',
    b'{"jsonrpc":"2.0","id":1,"method":"status"}}',
    b"'single'",
    b'{"jsonrpc":"2.0","id":NaN,"method":"status"}',
    b'{"id":01}',
    b'"\xff\xfe"',
    b"\xc3\x28",
    b"\0",
    b"\xef\xbb\xbf",
    b"[" * 100_000,
    b'{"a":' * 100_000,
]


@pytest.mark.parametrize("document", NO_JSON, ids=lambda document: repr(document[:24]))
def test_what_is_no_json_is_answered_and_the_bridge_stays(bridge: Rpc, document: bytes) -> None:
    bridge.send(document)
    error = bridge.next_stray()
    assert error["id"] is None
    assert (error["error"]["code"], error["error"]["data"]["name"]) == (-32700, "parse-error")
    assert is_well(bridge)


NO_REQUEST: list[Json] = [
    None,
    True,
    17,
    "status",
    [],
    [{"jsonrpc": "2.0", "id": 1, "method": "status"}],
    {},
    {"jsonrpc": "2.0"},
    {"jsonrpc": "1.0", "id": "x", "method": "status"},
    {"jsonrpc": 2.0, "id": "x", "method": "status"},
    {"id": "x", "method": "status"},
    {"jsonrpc": "2.0", "id": "x"},
    {"jsonrpc": "2.0", "id": "x", "method": 7},
    {"jsonrpc": "2.0", "id": "x", "method": None},
    {"jsonrpc": "2.0", "id": "x", "method": ["status"]},
    {"jsonrpc": "2.0", "id": {"x": 1}, "method": "status"},
    {"jsonrpc": "2.0", "id": [1], "method": "status"},
    {"jsonrpc": "2.0", "id": True, "method": "status"},
]


@pytest.mark.parametrize("document", NO_REQUEST, ids=json.dumps)
def test_json_that_is_no_request_is_answered_and_the_bridge_stays(bridge: Rpc, document: Json) -> None:
    bridge.send(json.dumps(document).encode())
    error = bridge.next_stray()
    assert (error["error"]["code"], error["error"]["data"]["name"]) == (-32600, "invalid-request")
    assert is_well(bridge)


WRONG_VALUES: list[Json] = [None, True, -1, 1.5, 2**63, "", [], {}, ["x"], {"x": {}}]


@pytest.mark.parametrize("method", METHODS)
def test_wrong_parameters_are_refused_and_the_bridge_stays(bridge: Rpc, method: str) -> None:
    right = METHODS[method] or {}
    wrong: list[Json] = [["x"], "text", 17, True, {**right, "unheard-of": 1}, {"": None}]
    wrong += [{**right, name: value} for name, value in wrong_members(right)]
    wrong += [{key: value for key, value in right.items() if key != name} for name in right]
    for params in wrong:
        with pytest.raises(RpcError) as refusal:
            bridge.call(method, params)
        assert refusal.value.code != -32603, f"{params!r}: an internal error"
        assert refusal.value.name, params
    assert is_well(bridge)


def wrong_members(right: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    for name, value in right.items():
        for wrong in WRONG_VALUES:
            # Any text but the empty one has the right type.
            if not isinstance(wrong, type(value)) or wrong == "":
                yield name, wrong


def test_numbers_and_limits_out_of_range(bridge: Rpc) -> None:
    bob = {"with": "bob@example.net"}
    for limit in (0, -1, 501, 2**32, 1.5, "10"):
        with pytest.raises(RpcError) as refusal:
            bridge.call("messages/list", {**bob, "limit": limit})
        assert refusal.value.name == "invalid-params", limit
    with pytest.raises(RpcError) as refusal:
        bridge.call("messages/search", {"query": "x", "limit": 201})
    assert refusal.value.name == "invalid-params"
    for status in ("dancing", "", "ONLINE"):
        with pytest.raises(RpcError) as refusal:
            bridge.call("presence/set", {"status": status})
        assert refusal.value.name == "invalid-params", status
    with pytest.raises(RpcError) as refusal:
        bridge.call("presence/set", {"status": "away", "note": "n" * 201})
    assert refusal.value.name == "invalid-params"


def test_a_number_beyond_any_type_is_refused(bridge: Rpc) -> None:
    # RFC 8259, section 6: a reader may set limits to numbers.
    number = 10**400
    bridge.send(b'{"jsonrpc":"2.0","id":"n","method":"messages/list","params":{"with":"%d"}}' % number)
    bridge.send(b'{"jsonrpc":"2.0","id":"n","method":"messages/list","params":{"with":%d}}' % number)
    assert {bridge.next_stray()["error"]["code"] for _ in range(2)} <= {-32700, -32602, 4}
    assert is_well(bridge)


def test_lone_surrogates_are_refused(bridge: Rpc) -> None:
    bridge.send(
        b'{"jsonrpc":"2.0","id":"s","method":"messages/send","params":{"to":"bob@example.net","text":"\\ud800"}}'
    )
    assert bridge.next_stray()["error"]["code"] in (-32700, -32602)
    assert is_well(bridge)


def test_a_thousand_calls_at_once_are_all_answered(bridge: Rpc) -> None:
    numbers = [bridge.ask("status") for _ in range(1000)]
    assert all(bridge.result(number)["addresses"] == [ALICE] for number in numbers)


def test_an_answer_from_the_caller_is_ignored_or_refused(bridge: Rpc) -> None:
    bridge.send(b'{"jsonrpc":"2.0","id":1,"result":{}}')
    bridge.send(b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}')
    assert is_well(bridge)


def random_documents(dice: random.Random) -> Iterator[bytes]:
    """Random bytes, and true requests with a few bytes changed."""
    methods = list(METHODS)
    while True:
        yield dice.randbytes(dice.randrange(1, 400))
        method = dice.choice(methods)
        request = {"jsonrpc": "2.0", "id": dice.randrange(10), "method": method, "params": METHODS[method]}
        bent = bytearray(json.dumps(request).encode())
        for _ in range(dice.randrange(1, 4)):
            bent[dice.randrange(len(bent))] = dice.randrange(256)
        yield bytes(bent)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_frames(home: Home, seed: int, is_long: bool) -> None:
    documents = random_documents(random.Random(seed))
    with NativeHost(home) as host:
        host.hello()
        host.enrol(ALICE)
        for _ in range(20_000 if is_long else 500):
            host.send(next(documents))
        # Some of the bent requests are still requests; whatever they did, the host is there and knows who it is.
        assert ALICE in host.call("status", patience=120)["addresses"]
        assert host.end() == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_stream_ends_cleanly(new_home: Callable[[str], Home], seed: int, is_long: bool) -> None:
    dice = random.Random(seed)
    for number in range(200 if is_long else 10):
        with NativeHost(new_home(f"h{number}")) as host:
            try:
                host.send_raw(dice.randbytes(dice.randrange(1, 3000)))
                host.process.send_eof()
            except BrokenPipeError:
                pass
            assert host.process.ended(within=10) == 0, f"seed {seed}, stream {number}"
