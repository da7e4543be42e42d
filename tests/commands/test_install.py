"""`corella install`, `uninstall` and `doctor`, in a throw-away home.

`--system` writes below /usr; it is tried inside a mount name space of its own.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from lib import built
from lib.agent import Agent
from lib.command import Ended, corella
from lib.home import Home
from lib.people import People

MANIFEST = Path(".mozilla") / "native-messaging-hosts" / f"{built.HOST_NAME}.json"
SYSTEM_MANIFEST = Path("/usr/lib/mozilla/native-messaging-hosts") / f"{built.HOST_NAME}.json"


def test_install_registers_the_host_and_uninstall_removes_every_trace(home: Home) -> None:
    before = sorted(home.root.rglob("*"))
    installed = corella(home, "install")
    assert installed.code == 0, installed
    manifest = json.loads((home.root / MANIFEST).read_text())
    assert manifest["name"] == built.HOST_NAME
    assert manifest["type"] == "stdio"
    assert manifest["allowed_extensions"] == [built.ADDON_ID]
    program = Path(manifest["path"])
    assert program.is_absolute() and os.access(program, os.X_OK)
    removed = corella(home, "uninstall")
    assert removed.code == 0, removed
    assert sorted(home.root.rglob("*")) == before


def test_what_is_registered_runs(home: Home) -> None:
    corella(home, "install")
    program = json.loads((home.root / MANIFEST).read_text())["path"]
    done = subprocess.run([program, "--version"], env=home.environment(), capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == built.version()


def test_installing_twice_and_uninstalling_twice_is_harmless(home: Home) -> None:
    assert [corella(home, "install").code for _ in range(2)] == [0, 0]
    assert [corella(home, "uninstall").code for _ in range(2)] == [0, 0]
    assert not (home.root / MANIFEST).exists()


def test_uninstall_leaves_what_belongs_to_others(home: Home) -> None:
    other = home.root / MANIFEST.parent / "org.example.other.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    corella(home, "install")
    corella(home, "uninstall")
    assert other.read_text() == "{}"


def test_uninstall_leaves_the_conversations(home: Home) -> None:
    transcript = home.data / "corella" / "profile" / "transcripts.sqlite"
    transcript.parent.mkdir(parents=True)
    transcript.write_text("words")
    corella(home, "install")
    corella(home, "uninstall")
    assert transcript.read_text() == "words"


def doctor(home: Home) -> tuple[Ended, dict[str, object]]:
    ended = corella(home, "doctor", "--json")
    return ended, json.loads(ended.out)


def test_the_doctor_is_content_only_when_all_is_well(home: Home) -> None:
    ended, report = doctor(home)
    assert ended.code == 1, report
    corella(home, "install")
    ended, report = doctor(home)
    assert ended.code == 0, report


@pytest.mark.parametrize(
    "damaged", ["keys/device.key", "keys/identities/*/current", "keys/identities/*/*.key", "roster.db"]
)
def test_the_doctor_sees_what_would_not_start(people: People, home: Home, damaged: str) -> None:
    corella(home, "install")
    alice = people.keep(Agent(home, "alice@example.net", data=home.data / "corella" / "profile"))
    alice.on_line()
    alice.process.kill()
    assert doctor(home)[0].code == 0
    (path,) = alice.data.glob(damaged)
    path.write_text("nonsense " * 100)
    ended, report = doctor(home)
    assert ended.code == 1, report
    assert "from a backup" in ended.out
    if damaged.endswith(".key") and "identities" in damaged:
        # What it says to do helps.
        assert path.name in ended.out
        path.parent.rename(home.root / "away")
        assert doctor(home)[0].code == 0


def test_what_runs_is_not_purged(people: People, home: Home) -> None:
    corella(home, "install")
    alice = people.keep(Agent(home, "alice@example.net", data=home.data / "corella" / "profile"))
    alice.on_line()
    refused = corella(home, "uninstall", "--purge")
    assert refused.code == 1
    assert "quit Thunderbird" in refused.out + refused.err
    assert (home.root / MANIFEST).exists() and alice.data.exists()
    alice.process.kill()
    assert corella(home, "uninstall", "--purge").code == 0
    assert not alice.data.exists()


@pytest.mark.parametrize("damage", ["absent", "no-json", "other-program", "not-executable", "other-addon"])
def test_the_doctor_names_one_thing_to_do(home: Home, damage: str) -> None:
    corella(home, "install")
    path = home.root / MANIFEST
    manifest = json.loads(path.read_text())
    if damage == "absent":
        path.unlink()
    elif damage == "no-json":
        path.write_text("{")
    elif damage == "other-program":
        path.write_text(json.dumps({**manifest, "path": "/nowhere/corella"}))
    elif damage == "not-executable":
        plain = home.root / "plain"
        plain.write_text("no program")
        path.write_text(json.dumps({**manifest, "path": str(plain)}))
    else:
        path.write_text(json.dumps({**manifest, "allowed_extensions": ["other@example.net"]}))
    ended, report = doctor(home)
    assert ended.code == 1, report
    spoken = corella(home, "doctor")
    assert spoken.code == 1
    assert "corella install" in spoken.out + spoken.err
    assert "corella install" in json.dumps(report)
    assert corella(home, "install").code == 0
    assert doctor(home)[0].code == 0


def test_system_wide(home: Home, scratch: Path) -> None:
    """Written below /usr: in a mount name space of its own; really, where there can be none (as in a chroot)."""
    layers = scratch / "layers"
    layers.mkdir()
    seen = scratch / "manifest.json"
    in_memory = f"""
        mount -t tmpfs tmpfs {layers}
        mkdir {layers}/upper {layers}/work
        mount -t overlay -o lowerdir=/usr,upperdir={layers}/upper,workdir={layers}/work overlay /usr
    """
    script = f"""
        touch {scratch}/before
        {built.host()} install --system
        cp {SYSTEM_MANIFEST} {seen}
        test -x "$(sed -n 's/.*"path": "\\(.*\\)".*/\\1/p' {seen})"
        {built.host()} uninstall --system
        find /usr -newer {scratch}/before -iname "*corella*"
    """
    own_space = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*own_space, "true"], capture_output=True, check=False).returncode == 0:
        command = [*own_space, "sh", "-ec", in_memory + script]
    else:
        assert os.geteuid() == 0, "neither root nor a mount name space: --system cannot be tried here"
        assert not SYSTEM_MANIFEST.exists(), "Corella is installed on this machine, and would be removed"
        command = ["sh", "-ec", script]
    done = subprocess.run(command, env=home.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("/usr")] == [], "a trace is left"
    manifest = json.loads(seen.read_text())
    assert manifest["name"] == built.HOST_NAME
    assert not SYSTEM_MANIFEST.exists()
    assert not (home.root / MANIFEST).exists(), "--system leaves the user's folder alone"
