"""What all tests share: throw-away homes, running agents, and the long form."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.home import Home
from lib.native import NativeHost
from lib.people import People


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--long`."""
    parser.addoption("--long", action="store_true", help="the long forms: more rounds, more messages")


@pytest.fixture(scope="session")
def is_long(pytestconfig: pytest.Config) -> bool:
    """Whether the long forms are wanted."""
    return bool(pytestconfig.getoption("--long"))


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path: sockets live below it, and their paths are limited to some hundred bytes."""
    return tmp_path_factory.mktemp("t")


@pytest.fixture
def new_home(scratch: Path) -> Callable[[str], Home]:
    """Makes homes by name; the same name gives the same folder."""
    return lambda name: Home(scratch / name)


@pytest.fixture
def home(new_home: Callable[[str], Home]) -> Home:
    """One home, for tests with one user; the host there stays on loopback and knows nobody."""
    home = new_home("home")
    home.configure(bootstrap=[])
    return home


@pytest.fixture
def people(scratch: Path) -> Iterator[People]:
    """Agents, nodes and hosts of one test."""
    everyone = People(scratch)
    yield everyone
    everyone.end()


@pytest.fixture
def host(home: Home, people: People) -> NativeHost:
    """A host that Thunderbird would have started, before its first call."""
    return people.keep(NativeHost(home))
