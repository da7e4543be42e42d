"""The units for systemd start what there is, as `manifests/README.md` says it is set up."""

import configparser
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from lib import built
from lib.home import Home

MANIFESTS = built.REPOSITORY / "manifests"
# Where systemd keeps the state of what it starts for the system (`%S`), and for one user, below the home.
SYSTEM_STATE = Path("/var/lib")
PROGRAMS = {"/usr/bin/corella": built.host, "/usr/bin/corella-ca": built.certifier}


def service(unit: str) -> configparser.SectionProxy:
    """What a unit says of its service."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=["="])
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((MANIFESTS / unit).read_text())
    return parser["Service"]


def command(unit: str, state: Path) -> list[str]:
    """What a unit starts, with the programs that were built."""
    program, *words = shlex.split(service(unit)["ExecStart"].replace("%S", str(state)))
    return [str(PROGRAMS[program]()), *words]


@pytest.mark.parametrize("unit", ["corella-ca.service", "corella-node.service"])
def test_the_program_knows_the_words_that_it_is_started_with(unit: str, scratch: Path) -> None:
    words = command(unit, scratch)
    # The help comes only once everything before it was understood.
    done = subprocess.run([*words, "--help"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    usage = re.search(r"^Usage: (.*)$", done.stdout, re.MULTILINE)
    assert usage and usage[1].split()[1] in words
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("unit", ["corella-ca.service", "corella-node.service"])
def test_what_it_writes_is_in_the_folder_that_systemd_makes_for_it(unit: str, scratch: Path) -> None:
    said = service(unit)
    folder = scratch / said["StateDirectory"]
    assert str(folder) in command(unit, scratch)
    assert said["StateDirectoryMode"] == "0700"


def test_the_authority_is_set_up_as_its_unit_expects() -> None:
    said = service("corella-ca.service")
    folder = str(SYSTEM_STATE / said["StateDirectory"])
    steps = (MANIFESTS / "README.md").read_text().partition("## A certifying authority")[2].split("```")[1]
    commands = [shlex.split(step, comments=True) for step in steps.strip().splitlines()]
    assert [words for words in commands if words[0] != "editor"] == [
        ["useradd", "--system", "--home-dir", folder, said["User"]],
        ["install", "-d", "-m", said["StateDirectoryMode"], "-o", said["User"], folder],
        ["runuser", "-u", said["User"], "--", "corella-ca", "init", "--name", "Example"],
        ["systemctl", "enable", "--now", "corella-ca"],
    ]
    assert ["editor", f"{folder}/ca.toml"] in commands
    # `init` names no folder: the program's own is the unit's.
    done = subprocess.run([str(built.certifier()), "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert f"[default: {folder}]" in done.stdout


@pytest.mark.parametrize(("unit", "more"), [("corella-ca.service", []), ("corella-node.service", ["--user"])])
def test_systemd_understands_all_of_a_unit(unit: str, more: list[str], scratch: Path, home: Home) -> None:
    text = (MANIFESTS / unit).read_text()
    for program, found in PROGRAMS.items():
        text = text.replace(f"ExecStart={program} ", f"ExecStart={found()} ")
    (scratch / unit).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", *more, "verify", str(scratch / unit)],
        env={**home.environment(), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # It calls a word that it does not know a warning.
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
