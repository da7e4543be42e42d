"""What strangers can do to somebody who did not ask for them: be heard, a little, and no harm."""

from lib.agent import Agent
from lib.people import People
from lib.waiting import eventually

# As JSON, each of these characters takes six bytes.
LONG_IN_JSON = "\u0001" * 32768
ON_DEVICE = 5


def crowd(people: People, node: list[str], size: int) -> tuple[Agent, list[str]]:
    """One device that speaks for many addresses."""
    device = people.agent("mallory", node)
    device.on_line()
    names = [f"mallory{number}@example.net" for number in range(size)]
    for name in names:
        device.call("identity/enrol", {"address": name})
    return device, names


def conversations(agent: Agent) -> list[str]:
    """The list of conversations, put together from its pages."""
    listed: list[str] = []
    more = True
    while more:
        page = agent.call("messages/conversations", {"after": listed[-1]} if listed else {})
        assert page["conversations"]
        listed += [one["with"] for one in page["conversations"]]
        more = page["more"]
    return listed


def test_long_texts_do_not_keep_the_list_from_being_read(people: People) -> None:
    node = people.node()
    bob = people.agent("bob", node)
    bob.on_line()
    strangers = [people.agent(f"stranger{number}", node) for number in range(5)]
    for stranger in strangers:
        stranger.write(bob.address, LONG_IN_JSON)
    for stranger in strangers:
        bob.hears(LONG_IN_JSON, stranger.address)
    assert set(conversations(bob)) == {stranger.address for stranger in strangers}
    first = bob.call("messages/conversations")["conversations"][0]
    assert first["last"]["text"] == LONG_IN_JSON[:200]
    assert bob.conversation(first["with"])[0]["text"] == LONG_IN_JSON


def test_only_what_is_kept_is_told(people: People) -> None:
    node = people.node()
    bob = people.agent("bob", node)
    bob.on_line()
    device, names = crowd(people, node, 3 * ON_DEVICE)
    for name in names:
        device.call("messages/send", {"to": bob.address, "text": "buy this", "from": name})
    honest = people.agent("honest", node)
    honest.write(bob.address, "a word")
    bob.hears("a word", honest.address)
    eventually(
        lambda: len(bob.call("buddies/list")["buddies"]) == ON_DEVICE + 1, "as many requests as a device may make"
    )
    told = {one.params["message"]["with"] for one in bob.notifications if one.method == "messages/changed"}
    assert told == set(conversations(bob))
    assert len(told) == ON_DEVICE + 1
