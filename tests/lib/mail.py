"""A real mail server: exim4 takes letters, dovecot keeps them and gives them out by IMAP.

Both run as processes of the test, below its folder, on ports of their own on loopback.
"""

import contextlib
import email
import email.policy
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from lib.openssl import Certified, authority, server
from lib.waiting import eventually

DOMAIN = "example.test"
# Of the people of the tests, and of the authority that writes to them.
PASSWORDS = {"alice": "secretA", "bob": "secretB", "mallory": "secretM", "ca": "secretC"}

_EXIM = """
primary_hostname = mail.{domain}
spool_directory = {folder}/spool
log_file_path = {folder}/spool/%slog
pid_file_path = {folder}/spool/exim.pid
exim_user = {user}
exim_group = {group}
never_users =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {mx} : {submission}
domainlist local_domains = {domain}
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
host_lookup =
rfc1413_hosts =
keep_environment =
begin acl
acl_mail:
  deny condition = ${{if eq{{$received_port}}{{{submission}}}}}
       !authenticated = *
       message = 530 5.7.0 Authentication required
  accept
acl_rcpt:
  accept authenticated = *
         verify = recipient
  accept domains = +local_domains
         verify = recipient
  deny message = relay not permitted
begin routers
local:
  driver = accept
  domains = +local_domains
  local_parts = {names}
  transport = lmtp
begin transports
lmtp:
  driver = smtp
  protocol = lmtp
  hosts = 127.0.0.1
  hosts_override
  port = {lmtp}
  allow_localhost
begin retry
* * F,1h,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{${{lookup{{$auth2}}lsearch{{{folder}/passwords}}}}}}}}
  server_set_id = $auth2
"""

_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{folder}/boxes/%u
first_valid_uid = 0
mail_uid = {user}
mail_gid = {group}
default_internal_user = {internal}
default_login_user = {login}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/boxes/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


@dataclass(frozen=True)
class Ports:
    """Where the mail server is. At `submission` it takes mail only from whoever authenticates, over TLS."""

    mx: int
    submission: int
    lmtp: int
    imap: int


class MailServer:
    """exim4 and dovecot, with a mailbox for each of `PASSWORDS`."""

    def __init__(self, folder: Path, more: Iterable[str] = ()) -> None:
        """Starts both; they are there when this returns. `more` have mailboxes too, with their names as passwords."""
        passwords = {**PASSWORDS, **{name: name for name in more}}
        self.folder = folder
        # The servers' own users have to come here.
        folder.chmod(0o755)
        self.ca = authority("Mail", folder / "mail-ca")
        self.certificate: Certified = server(self.ca, "localhost", folder / "server")
        self.certificate.key_file.chmod(0o644)
        self.ports = Ports(*_free_ports(4))
        self._children: list[subprocess.Popen[bytes]] = []
        (folder / "passwords").write_text("".join(f"{name}@{DOMAIN}: {word}\n" for name, word in passwords.items()))
        (folder / "users").write_text("".join(f"{name}@{DOMAIN}:{{PLAIN}}{word}\n" for name, word in passwords.items()))
        mail = pwd.getpwnam("mail")
        for below in ("boxes", "spool"):
            (folder / below).mkdir()
            os.chown(folder / below, mail.pw_uid, mail.pw_gid)
        words = {
            "folder": folder,
            "domain": DOMAIN,
            "user": "mail",
            "group": "mail",
            "internal": "dovecot",
            "login": "dovenull",
            "names": " : ".join(passwords),
            "certificate": self.certificate.certificate_file,
            "key": self.certificate.key_file,
            **vars(self.ports),
        }
        (folder / "exim.conf").write_text(_EXIM.format(**words))
        (folder / "dovecot.conf").write_text(_DOVECOT.format(**words))
        self._start("dovecot", ["-F", "-c", str(folder / "dovecot.conf")], self.ports.imap)
        self.start_exim()

    def start_exim(self) -> None:
        """Takes letters (again)."""
        self._exim = self._start("exim4", ["-C", str(self.folder / "exim.conf"), "-bdf", "-q1s"], self.ports.submission)

    def stop_exim(self) -> None:
        """Takes none for a while, as a server that is being mended."""
        _end(self._exim)

    def _start(self, name: str, arguments: list[str], port: int) -> subprocess.Popen[bytes]:
        program = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
        assert program is not None, f"{name} is not installed: `cargo xtask test` installs it"
        log = (self.folder / f"{name}.out").open("ab")
        child = subprocess.Popen(
            [program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self._children.append(child)

        def is_there() -> bool:
            assert child.poll() is None, f"{name} ended: {(self.folder / f'{name}.out').read_text(errors='replace')}"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        eventually(is_there, f"{name} answers")
        return child

    def end(self) -> None:
        """Ends both."""
        for child in self._children:
            _end(child)

    def settings(self) -> dict[str, object]:
        """What `ca.toml` says of it."""
        password = self.folder / "ca-password"
        password.write_text(PASSWORDS["ca"] + "\n")
        return {
            "host": "localhost",
            "port": self.ports.submission,
            "from": f"ca@{DOMAIN}",
            "user": f"ca@{DOMAIN}",
            "password_file": str(password),
            "authority_file": str(self.ca.certificate_file),
        }

    def empty(self) -> None:
        """Throws all letters away, those too that are still on their way."""
        queue = self.folder / "spool" / "input"
        eventually(lambda: not any(queue.rglob("*-H")), "exim4 has delivered what it took")
        for name in PASSWORDS:
            with self._inbox(name, readonly=False) as box:
                for number in box.search(None, "ALL")[1][0].split():
                    box.store(number, "+FLAGS", r"\Deleted")
                box.expunge()

    @contextlib.contextmanager
    def _inbox(self, name: str, readonly: bool = True) -> Iterator[imaplib.IMAP4]:
        """A look must not take from a mail that it is recent: the user's own program knows by that what is new."""
        with imaplib.IMAP4("127.0.0.1", self.ports.imap) as box:
            box.login(f"{name}@{DOMAIN}", PASSWORDS[name])
            box.select("INBOX", readonly)
            yield box

    def letters(self, name: str) -> list[EmailMessage]:
        """What is in somebody's inbox, oldest first."""
        with self._inbox(name) as box:
            numbers = box.search(None, "ALL")[1][0].split()
            return [_parsed(box.fetch(number, "(BODY.PEEK[])")[1][0][1]) for number in numbers]

    def unseen(self, name: str) -> int:
        """How many letters in somebody's inbox the server has not been told are read."""
        with self._inbox(name) as box:
            return len(box.search(None, "UNSEEN")[1][0].split())

    def letter(self, name: str, count: int = 1) -> EmailMessage:
        """The last letter in somebody's inbox, once there are so many."""
        eventually(lambda: len(self.letters(name)) >= count, f"{count} letters for {name}")
        letters = self.letters(name)
        assert len(letters) == count, [letter["Subject"] for letter in letters]
        return letters[-1]


def _parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
