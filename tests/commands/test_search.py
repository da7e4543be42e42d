"""`corella search`, beside a running agent and without one."""

import json

import pytest

from lib.agent import Agent
from lib.command import corella
from lib.people import People

BOB = "bob@example.net"


@pytest.fixture
def alice(people: People) -> Agent:
    agent = people.agent("alice")
    agent.on_line()
    for text in ("the first harvest", "a second one", "夜空の星 in the harvest"):
        agent.write(BOB, text)
    return agent


@pytest.mark.parametrize("is_running", [True, False])
def test_search_finds_what_was_written(alice: Agent, is_running: bool) -> None:
    if not is_running:
        alice.process.send_eof()
        assert alice.process.ended(within=2) == 0
    found = corella(alice.home, "search", "harvest", "--data", str(alice.data), "--json")
    assert found.code == 0, found
    result = json.loads(found.out)
    assert result["total"] == 2
    assert {hit["with"] for hit in result["hits"]} == {BOB}
    two_characters = corella(alice.home, "search", "夜空", "--data", str(alice.data), "--json")
    assert json.loads(two_characters.out)["total"] == 1
    spoken = corella(alice.home, "search", "second", "--data", str(alice.data))
    assert spoken.code == 0 and "a second one" in spoken.out and BOB in spoken.out


def test_search_after_kill_9(alice: Agent) -> None:
    alice.process.kill()
    found = corella(alice.home, "search", "harvest", "--data", str(alice.data), "--json")
    assert json.loads(found.out)["total"] == 2


def test_a_bad_query_is_one_line(alice: Agent) -> None:
    ended = corella(alice.home, "search", "before:never", "--data", str(alice.data))
    assert ended.code != 0
    assert len(ended.err.strip().splitlines()) == 1


def test_search_where_nothing_is(alice: Agent) -> None:
    nowhere = alice.home.root / "nowhere"
    ended = corella(alice.home, "search", "x", "--data", str(nowhere))
    assert ended.code == 1 and len(ended.err.strip().splitlines()) == 1
    assert not nowhere.exists()
