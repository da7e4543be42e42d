"""What `cargo xtask run` opens: a Thunderbird with Corella in it, and a small network with a buddy that answers.

With a display the user has it; without one this program holds the conversation itself, through the user interface.
Everything lives below one folder, which is kept, so that the conversation is there the next time.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lib.agent import Helper
from lib.home import Home
from lib.pages import Chat, Line, add_contact
from lib.person import Person
from lib.thunderbird import program
from lib.waiting import eventually

ECHO = "echo@corella.invalid"
ADDRESS, NAME = "you@corella.invalid", "You"


@contextmanager
def step(words: str) -> Iterator[None]:
    """A progress line with the seconds it took."""
    begun = time.monotonic()
    print(f"> {words}", flush=True)
    yield
    print(f"  done after {time.monotonic() - begun:.1f} s", flush=True)


def start_network(folder: Path, ends: ExitStack) -> list[str]:
    """Two nodes and the echo; gives the way into the network."""

    def start(name: str, command: str, bootstrap: list[str]) -> Helper:
        helper = Helper(Home(folder / name), command, bootstrap=bootstrap)
        ends.callback(stop, helper)
        return helper

    first = start("node-1", "node", []).status()["listen"]
    both = first + start("node-2", "node", first).status()["listen"]
    start("echo", "echo", both)
    return both


def stop(helper: Helper) -> None:
    """SIGTERM, and more only if that does not do."""
    helper.process.terminate()
    try:
        helper.process.ended(within=5)
    finally:
        helper.process.kill()


def prepare(person: Person) -> None:
    """Puts Echo into the address book, once, by a Thunderbird that nobody sees."""
    if (person.thunderbird.profile / "abook.sqlite").exists():
        return
    with step("make a Thunderbird profile with Echo in its address book"):
        try:
            person.thunderbird.start()
            add_contact(person.thunderbird, "Echo", ECHO)
            person.thunderbird.quit()
        finally:
            person.thunderbird.kill()


def show(person: Person) -> int:
    """Gives Thunderbird to the user, on the user's own screen, until it is closed."""
    words = [program(), "-no-remote", "-profile", str(person.thunderbird.profile)]
    environment = person.home.environment(**screen(os.environ))
    with (person.home.root / "thunderbird.log").open("ab") as log:
        thunderbird = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    print("Thunderbird is open. The first time, go on line on Corella's page. Then open the address book, choose Echo,")
    print(f"and click sip:{ECHO}. Everything ends when you close Thunderbird.", flush=True)
    try:
        return thunderbird.wait()
    finally:
        # Closed by the user it is gone already; when this program is ended, it goes too.
        thunderbird.terminate()
        thunderbird.wait()


def screen(mine: dict[str, str] | os._Environ[str]) -> dict[str, str]:
    """What another home needs to reach this user's screen."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "GDK_SCALE")
    found = {name: mine[name] for name in names if mine.get(name)}
    if "DISPLAY" in found:
        found.setdefault("XAUTHORITY", str(Path(mine.get("HOME", "/")) / ".Xauthority"))
    wayland, runtime = found.get("WAYLAND_DISPLAY"), mine.get("XDG_RUNTIME_DIR")
    if wayland and runtime and not wayland.startswith("/"):
        # The name alone would be looked for in the new home's own runtime folder.
        found["WAYLAND_DISPLAY"] = str(Path(runtime) / wayland)
    return found


class Drive:
    """The conversation with Echo, held through the user interface."""

    def __init__(self, person: Person, pictures: Path) -> None:
        """Keeps screenshots in the folder `pictures`."""
        self._person, self._pictures = person, pictures
        self._begun = time.monotonic()
        self._count = 0

    def run(self) -> None:
        """Does and sees everything; raises when something is not seen."""
        person, chat = self._person, self._person.chat
        person.start()
        chat.open_space()
        if chat.is_new_here():
            self._saw("Corella's first page", "welcome")
            chat.go_on_line()
            self._saw(f"on line as {ADDRESS}", "on-line")
        person.address_book.choose("Echo")
        self._saw("Echo in the stock address book", "address-book")
        person.address_book.click_sip_link("Echo")
        chat.at(ECHO)
        known = {line.id for line in chat.lines()}
        chat.write("hello")
        lines = eventually(lambda: conversation(chat, known), "hello and Echo's answer")
        self._saw("Echo's answer to hello", "answer")
        person.thunderbird.quit()
        person.start()
        chat.open_space()
        chat.open(ECHO)
        eventually(lambda: {line.id for line in lines} <= {line.id for line in chat.lines()}, "both after the restart")
        self._saw("both messages after Thunderbird was started again", "after-restart")
        found = chat.search("hello")
        assert {line.id for line in lines} <= {one.id for one in found}, f"the search finds only {found}"
        assert all(one.marks and {mark.lower() for mark in one.marks} == {"hello"} for one in found), found
        self._saw(f"{len(found)} messages in the search, hello marked in each", "search")
        chat.open_result(lines[0].id)
        self._saw("the conversation at the message that was found", "found")
        person.thunderbird.quit()

    def _saw(self, what: str, name: str) -> None:
        self._count += 1
        picture = self._pictures / f"{self._count}-{name}.png"
        self._person.thunderbird.screenshot(picture)
        print(f"  {time.monotonic() - self._begun:5.1f} s  saw {what}: {picture}", flush=True)


def conversation(chat: Chat, known: set[str]) -> list[Line]:
    """The new messages, once there is one of ours that was delivered, and an answer."""
    new = [line for line in chat.lines() if line.id not in known]
    asked = [line for line in new if (line.direction, line.text, line.state) == ("out", "hello", "delivered")]
    answered = [line for line in new if line.direction == "in" and "hello" in line.text]
    return asked + answered if asked and answered else []


def drive(person: Person, folder: Path) -> int:
    """Holds the conversation; 0 only if all of it was seen."""
    pictures = folder / "screenshots"
    shutil.rmtree(pictures, ignore_errors=True)
    try:
        with step("hold the conversation through Thunderbird (there is no display to show it on)"):
            Drive(person, pictures).run()
    except AssertionError as failure:
        person.thunderbird.screenshot(pictures / "failure.png")
        print(f"This was not seen: {failure}\nThe screen then: {pictures / 'failure.png'}", file=sys.stderr)
        return 1
    finally:
        person.end()
    print(f"All was seen. The screenshots are in {pictures}")
    return 0


def main() -> int:
    """Reads the arguments, which `cargo xtask run` gives, and carries them out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where everything lives")
    parser.add_argument("--mode", choices=["show", "drive"], required=True)
    parser.add_argument("--fresh", action="store_true", help="forget what was there")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if arguments.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    with ExitStack() as ends:
        with step("start two nodes and Echo on this computer"):
            bootstrap = start_network(folder, ends)
        person = Person(folder / "home", NAME, ADDRESS, bootstrap)
        prepare(person)
        return show(person) if arguments.mode == "show" else drive(person, folder)


if __name__ == "__main__":
    # An ending by SIGTERM takes the network along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
