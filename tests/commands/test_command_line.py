"""Help and wrong use of every command."""

import pytest

from lib import built
from lib.command import corella
from lib.home import Home

COMMANDS = ["agent", "node", "echo", "install", "uninstall", "doctor", "search"]


def test_help_lists_every_command(home: Home) -> None:
    ended = corella(home, "--help")
    assert ended.code == 0
    assert all(command in ended.out for command in COMMANDS)


def test_the_version_is_told(home: Home) -> None:
    ended = corella(home, "--version")
    assert (ended.code, ended.out.split()[-1]) == (0, built.version())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(home: Home, command: str) -> None:
    ended = corella(home, command, "--help")
    assert ended.code == 0, ended
    assert "Usage" in ended.out and len(ended.out.splitlines()) > 3


@pytest.mark.parametrize("command", ["agent", "node"])
def test_help_names_the_flags_of_the_network(home: Home, command: str) -> None:
    text = corella(home, command, "--help").out
    for flag in ("--data", "--listen", "--bootstrap", "--no-mdns"):
        assert flag in text


WRONG = [
    [],
    ["dance"],
    ["--dance"],
    ["agent"],
    ["agent", "--data", "d"],
    ["agent", "--address", "alice@example.net"],
    ["agent", "--data", "d", "--address", "nobody"],
    ["agent", "--data", "d", "--address", "alice@exa mple.net"],
    ["agent", "--data", "d", "--address", "alice@example.net", "--listen", "here"],
    ["agent", "--data", "d", "--address", "alice@example.net", "--bootstrap", "there"],
    ["agent", "--data", "d", "--address", "alice@example.net", "--certificate", "c.pem"],
    ["agent", "--data", "d", "--address", "alice@example.net", "--certificate", "absent.pem", "--key", "absent.key"],
    ["agent", "--data", "d", "--address", "alice@example.net", "--trust", "absent.pem"],
    ["node"],
    ["node", "--data", "d", "--listen", "x"],
    ["install", "--dance"],
    ["search"],
    ["search", "hello", "--limit", "0"],
    ["doctor", "now"],
    ["/manifest.json"],
    ["/manifest.json", "somebody@else"],
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_use_is_one_clear_line_and_exit_2(home: Home, words: list[str]) -> None:
    ended = corella(home, *words)
    assert ended.code == 2, ended
    assert ended.out == ""
    assert len(ended.err.strip().splitlines()) == 1, ended.err
    assert "panicked" not in ended.err


@pytest.mark.parametrize(
    "command", [["agent", "--address", "alice@example.net"], ["node"], ["echo"]], ids=lambda w: w[0]
)
def test_a_data_directory_that_cannot_be_is_one_clear_line(home: Home, command: list[str]) -> None:
    taken = home.root / "taken"
    taken.write_text("a file")
    ended = corella(home, *command, "--data", str(taken), "--no-mdns")
    assert (ended.code, ended.out) == (1, ""), ended
    assert len(ended.err.strip().splitlines()) == 1 and str(taken) in ended.err, ended.err
