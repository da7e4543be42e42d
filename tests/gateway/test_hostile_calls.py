"""Bad calls to the gateway of a real node: each gets a short fault by name, and the node goes on as before."""

import itertools
import socket
import xmlrpc.client
from collections.abc import Iterator

import pytest

from lib.besieged import WITNESS, Besieged, blob, call, text
from lib.gateway import DHT
from lib.people import People

PARSE, NO_CALL, METHOD, PARAMS, TOO_LARGE = -32700, -32600, -32601, -32602, -32001
ENCODING, CHARACTER = -32701, -32702
# What the gateway reads of a call.
BODY = 64 * 1024
# What a client may send before it is not listened to any more.
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    """One node for all of them: whatever one test does to it, the next would notice."""
    people = People(tmp_path_factory.mktemp("t"))
    yield Besieged(people)
    people.end()


def with_dtd(declarations: str, value: str, system: str = "") -> str:
    """A call with a document type declaration."""
    return f"<?xml version='1.0'?><!DOCTYPE m {system}[{declarations}]>" + call("get", value).split("?>", 1)[1]


def laughs(levels: int = 10, times: int = 10) -> str:
    """Entities of entities: ten billion witnesses."""
    names = [f"e{level}" for level in range(levels)]
    nested = [f'<!ENTITY {name} "{f"&{inner};" * times}">' for inner, name in itertools.pairwise(names)]
    return f'<!ENTITY e0 "{WITNESS}">' + "".join(nested)


def arrays(depth: int, closed: bool = True) -> str:
    """Arrays in arrays."""
    end = "</data></array></value>" * depth if closed else ""
    return "<array><data><value>" * depth + WITNESS + end


# What it is, the call, the fault's code, and words of it.
BAD: list[tuple[str, str | bytes, int, str]] = [
    ("billion laughs", with_dtd(laughs(), "&e9;"), PARSE, "document type declaration"),
    (
        "quadratic",
        with_dtd(f'<!ENTITY a "{WITNESS * 3000}">', "&a;" * 9000),
        PARSE,
        "document type declaration",
    ),
    (
        "external entity",
        with_dtd('<!ENTITY a SYSTEM "file:///etc/passwd">', f"{WITNESS}&a;"),
        PARSE,
        "document type declaration",
    ),
    ("empty DTD", f"<!DOCTYPE methodCall>{call('get', WITNESS)[21:]}", PARSE, "document type declaration"),
    ("DTD in the middle", call("get", f"{WITNESS}<!DOCTYPE m>"), PARSE, "document type declaration"),
    ("undeclared entity", call("get", f"&{WITNESS};"), PARSE, "entity that XML does not predefine"),
    ("entity in an attribute", call("get", f'<string a="&{WITNESS};"/>'), PARSE, "entity"),
    ("comment", call("get", f"<!-- {WITNESS} -->"), PARSE, "comment"),
    ("comment before", f"<!-- {WITNESS} -->{call('get')[21:]}", PARSE, "comment"),
    ("comment after", f"{call('get', 'a')}<!-- {WITNESS} -->", PARSE, "comment"),
    ("processing instruction", call("get", f"<?php {WITNESS}() ?>"), PARSE, "processing instruction"),
    ("stylesheet", f'<?xml-stylesheet href="{WITNESS}"?>{call("get")[21:]}', PARSE, "processing instruction"),
    ("second declaration", call("get", f"{WITNESS}<?xml version='1.0'?>"), PARSE, "XML declaration"),
    ("unclosed", f"<methodCall><methodName>{WITNESS}", PARSE, "well-formed"),
    ("crossed", f"<methodCall><methodName>{WITNESS}</methodCall></methodName>", PARSE, "well-formed"),
    ("attribute twice", f"<methodCall a='{WITNESS}' a=''/>", PARSE, "well-formed"),
    ("encoding", f"<?xml version='1.0' encoding='utf-7'?><methodCall>{WITNESS}</methodCall>", ENCODING, "UTF-8"),
    ("not UTF-8", b"<methodCall>\xff" + WITNESS.encode(), CHARACTER, "UTF-8"),
    ("NUL", f"<methodCall>{WITNESS}\0</methodCall>", CHARACTER, "character"),
    ("reference to NUL", call("get", f"{WITNESS}&#0;"), CHARACTER, "character"),
    ("no XML", WITNESS * 100, NO_CALL, "text"),
    ("JSON", f'{{"jsonrpc": "2.0", "method": "{WITNESS}"}}', NO_CALL, "text"),
    ("a response", call("get", WITNESS).replace("methodCall", "methodResponse"), NO_CALL, "methodCall"),
    ("another namespace", call("get", WITNESS).replace("<methodCall", "<methodCall xmlns='urn:x'"), NO_CALL, ""),
    ("a prefix", call("get", WITNESS).replace("<param>", "<param xmlns:a='urn:x'>"), NO_CALL, "attribute"),
    ("attributes", call("get").replace("<params", "<params " + " ".join(f"{WITNESS}{n}='a'" for n in range(3000))),
     NO_CALL, "attribute"),
    ("two calls", call("get", WITNESS) + call("get", WITNESS)[21:], NO_CALL, ""),
    ("nil", call("get", f"<nil/>{WITNESS}"), NO_CALL, "nil"),
    ("another type", call("get", f"<i8>{WITNESS}</i8>"), NO_CALL, "type"),
    ("an element as name", f"<methodCall><methodName><b>{WITNESS}</b></methodName></methodCall>", NO_CALL, ""),
    ("no number", call("get", f"<int>{WITNESS}</int>"), NO_CALL, "int"),
    ("no base64", call("get", f"<base64>{WITNESS}!</base64>"), NO_CALL, "base64"),
    ("a member twice", call("get", "<struct>" + f"<member><name>{WITNESS}</name><value/></member>" * 2 + "</struct>"),
     NO_CALL, "two members"),
    ("arrays 17 deep", call("get", arrays(17)), NO_CALL, "nested more than 16 deep"),
    ("arrays 1,400 deep", call("get", arrays(1400)), NO_CALL, "nested more than 16 deep"),
    ("arrays 3,000 deep, open", call("get", arrays(3000, closed=False)), NO_CALL, "nested more than 16 deep"),
    ("arrays 100,000 deep", call("get", arrays(100_000)), TOO_LARGE, "longer than 65536 bytes"),
    ("structs 17 deep", call("get", "<struct><member><name>a</name><value>" * 17 + WITNESS), NO_CALL, "16 deep"),
    ("elements 20,000 deep", "<a>" * 20_000 + WITNESS, NO_CALL, "methodCall"),
    ("a method of 60,000 bytes", call(WITNESS * 5000), METHOD, "no such method"),
    ("a byte too long", call("get", text(WITNESS)).ljust(BODY + 1), TOO_LARGE, "longer than 65536 bytes"),
    ("10 MB of text", call("get", text(WITNESS * MEGABYTE)), TOO_LARGE, "longer than 65536 bytes"),
    ("10 MB of base64", call("get", blob(WITNESS.encode()) + "A" * 10 * MEGABYTE), TOO_LARGE, "65536 bytes"),
    ("10 MB of brackets", WITNESS + "<" * 10 * MEGABYTE, TOO_LARGE, "longer than 65536 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "words"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_a_bad_call_gets_a_short_fault(besieged: Besieged, body: str | bytes, code: int, words: str) -> None:
    found, said = besieged.fault(body)
    assert found == code, said
    assert words in said
    besieged.serves()


def test_chunks_without_end_are_counted(besieged: Besieged) -> None:
    pieces = itertools.repeat(WITNESS.encode() * 1000, 1000)
    assert besieged.fault(pieces) == (TOO_LARGE, "the call is longer than 65536 bytes")
    besieged.serves()


def test_a_bad_path_is_not_repeated(besieged: Besieged) -> None:
    for path, status in [(f"/{WITNESS}", 404), (f"/RPC2/{WITNESS}", 404), (f"//{WITNESS}", 404)]:
        assert besieged.post(call("get").encode(), path) == (status, b"")
    besieged.serves()


def test_nothing_is_fetched(besieged: Besieged) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        url = f"http://{host}:{port}/{WITNESS}"
        document = f'<!DOCTYPE d SYSTEM "{url}"><dhtRecord xmlns="{DHT}"><key>sip:a@example.net</key></dhtRecord>'
        for body in [
            with_dtd(f'<!ENTITY a SYSTEM "{url}">', "&a;"),
            with_dtd(f'<!ENTITY % a SYSTEM "{url}">%a;', "a"),
            with_dtd("", "a", system=f'SYSTEM "{url}" '),
            with_dtd("", "a", system=f'PUBLIC "-//{WITNESS}" "{url}" '),
            call("get", text(document)),
            call("put-auth", text(document)),
        ]:
            besieged.fault(body)
        besieged.serves()
        # Every call was answered: whoever fetches before answering would be in the queue by now.
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


KEY, VALUE, HASH, WEEK = blob(b"k"), blob(WITNESS.encode()), blob(bytes(20)), 604_800
APPLICATION = text(WITNESS)


def number(of: int) -> str:
    """A number as a parameter."""
    return f"<int>{of}</int>"


# Method and parameters of OpenDHT's interface, the fault's code, and words of it.
OVER: list[tuple[str, tuple[str, ...], int, str]] = [
    ("put", (blob(WITNESS.encode() * 2), VALUE, number(60), APPLICATION), PARAMS, "key is longer than 20 bytes"),
    ("put", (blob(b""), VALUE, number(60), APPLICATION), PARAMS, "key is empty"),
    ("put", (KEY, blob(WITNESS.encode() * 86), number(60), APPLICATION), PARAMS, "value is longer than 1024 bytes"),
    ("put", (KEY, blob(WITNESS.encode() * 4000), number(60), APPLICATION), PARAMS, "value is longer than 1024 bytes"),
    ("put", (KEY, VALUE, number(2**31), APPLICATION), NO_CALL, "int"),
    ("put", (KEY, VALUE, number(-(2**31) - 1), APPLICATION), NO_CALL, "int"),
    ("put", (KEY, VALUE, "<double>1e9</double>", APPLICATION), PARAMS, "put takes"),
    ("put", (text(WITNESS), VALUE, number(60), APPLICATION), PARAMS, "put takes"),
    ("put", (KEY, VALUE, number(60), text(WITNESS * 22)), PARAMS, "application is longer than 255 bytes"),
    ("put_removable", (KEY, VALUE, text(WITNESS), HASH, number(60), APPLICATION), PARAMS, "hash algorithm"),
    ("put_removable", (KEY, VALUE, text("SHA"), blob(bytes(21)), number(60), APPLICATION), PARAMS, "secret hash"),
    ("rm", (KEY, blob(bytes(21)), text("SHA"), VALUE, number(60), APPLICATION), PARAMS, "value_hash"),
    ("rm", (KEY, HASH, text("SHA"), blob(bytes(41)), number(60), APPLICATION), PARAMS, "secret"),
    ("get", (KEY, number(0), blob(b""), APPLICATION), PARAMS, "maxvals"),
    ("get", (KEY, number(-1), blob(b""), APPLICATION), PARAMS, "maxvals"),
    ("get", (KEY, number(10), blob(WITNESS.encode() * 9), APPLICATION), PARAMS, "placemark"),
    ("get_details", (KEY, number(10), VALUE, APPLICATION), PARAMS, "placemark"),
]


@pytest.mark.parametrize(("method", "params", "code", "words"), OVER)
def test_what_is_over_opendhts_limits_is_a_fault(
    besieged: Besieged, method: str, params: tuple[str, ...], code: int, words: str
) -> None:
    found, said = besieged.fault(call(method, *params))
    assert found == code, said
    assert words in said
    besieged.serves()


@pytest.mark.parametrize(
    ("ttl", "kept"), [(0, None), (-1, None), (-(2**31), None), (WEEK, WEEK), (WEEK + 1, WEEK), (2**31 - 1, WEEK)]
)
def test_no_life_is_longer_than_a_week_or_shorter_than_none(besieged: Besieged, ttl: int, kept: int | None) -> None:
    key, value = xmlrpc.client.Binary(b"life %d" % ttl), xmlrpc.client.Binary(b"value")
    assert besieged.gateway.call("put", key, value, ttl, "test") == 0
    details, _ = besieged.gateway.call("get_details", key, 10, xmlrpc.client.Binary(b""), "test")
    assert len(details) == (kept is not None)
    # A node may take its time, but no life grows.
    assert all(0 < left <= kept for _, left, _, _ in details if kept is not None)
    besieged.serves()


def test_bad_calls_leave_nothing_behind(besieged: Besieged, is_long: bool) -> None:
    """What is refused takes no memory that is not given back, and never more than it is itself."""
    # White space at the end makes each as long as a call may be, and none any better.
    calls = [body.ljust(BODY) for _, body, _, _ in BAD if len(body) <= BODY]
    for body in calls * 3:
        besieged.fault(body)
    before = besieged.resident()
    rounds = 400 if is_long else 40
    for body in calls * rounds:
        besieged.fault(body)
    grown = besieged.resident() - before
    # Room for the allocator's own ways, and for less than a twentieth of what was sent.
    assert grown < 4096, f"{grown} KiB more after {len(calls) * rounds} calls of 64 KiB"
    besieged.serves()


def test_ten_megabytes_are_never_held(besieged: Besieged, is_long: bool) -> None:
    large = [body for _, body, _, _ in BAD if len(body) > MEGABYTE]
    assert len(large) == 4
    for _, body, _, _ in BAD:
        if body not in large:
            besieged.fault(body)
    besieged.forget_peak()
    before = besieged.resident()
    rounds = 50 if is_long else 5
    for body in large * rounds:
        besieged.fault(body)
        besieged.fault(itertools.repeat(WITNESS.encode() * 1000, 1000))
    grown = besieged.peak() - before
    assert grown < 4096, f"{grown} KiB more at the peak"
    besieged.serves()
