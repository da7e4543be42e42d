"""What all tests share: throw-away homes, running agents, and the long form."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.certifier import Certifier
from lib.home import Home
from lib.mail import MailServer
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


@pytest.fixture(scope="session")
def mail() -> Iterator[MailServer]:
    """exim4 and dovecot. Not below pytest's own folder, where nobody else may go."""
    with tempfile.TemporaryDirectory(prefix="corella-mail-") as folder:
        server = MailServer(Path(folder))
        yield server
        server.end()


@pytest.fixture
def found(scratch: Path, mail: MailServer) -> Iterator[Callable[..., Certifier]]:
    """Founds authorities, which do not serve yet; mailboxes are empty again."""
    mail.empty()
    all_of_them: list[Certifier] = []

    def make(**limits: int) -> Certifier:
        all_of_them.append(Certifier(scratch / f"ca{len(all_of_them)}", mail, limits))
        return all_of_them[-1]

    yield make
    for one in all_of_them:
        one.end()


@pytest.fixture
def certifier(found: Callable[..., Certifier]) -> Certifier:
    """An authority that serves."""
    one = found()
    one.serve()
    return one
