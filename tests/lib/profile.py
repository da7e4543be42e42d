"""A Thunderbird profile: settings, a mail identity without any server behind it, and the add-on."""

import json
import shutil
from pathlib import Path

from lib import built

_SETTINGS = Path(__file__).with_name("prefs.js")

# The folders of this computer, which every profile has.
_LOCAL_FOLDERS = {
    "mail.accountmanager.accounts": "account1",
    "mail.accountmanager.localfoldersserver": "server1",
    "mail.account.account1.server": "server1",
    "mail.server.server1.directory-rel": "[ProfD]Mail/Local Folders",
    "mail.server.server1.hostname": "Local Folders",
    "mail.server.server1.name": "Local Folders",
    "mail.server.server1.type": "none",
    "mail.server.server1.userName": "nobody",
}


def _mailbox(address: str, name: str) -> dict[str, object]:
    """An account that is never fetched from: it only brings the identity."""
    user, domain = address.split("@")
    return {
        "mail.accountmanager.accounts": "account1,account2",
        "mail.accountmanager.defaultaccount": "account2",
        "mail.account.account2.server": "server2",
        "mail.account.account2.identities": "id1",
        "mail.identity.id1.fullName": name,
        "mail.identity.id1.useremail": address,
        "mail.identity.id1.valid": True,
        "mail.server.server2.check_new_mail": False,
        "mail.server.server2.directory-rel": "[ProfD]Mail/own",
        "mail.server.server2.hostname": domain,
        "mail.server.server2.login_at_startup": False,
        "mail.server.server2.name": address,
        "mail.server.server2.type": "pop3",
        "mail.server.server2.userName": user,
    }


def imap(address: str, port: int) -> dict[str, object]:
    """That the account's mail is kept by a server on this machine."""
    return {
        "mail.server.server2.directory-rel": "[ProfD]ImapMail/own",
        "mail.server.server2.hostname": "127.0.0.1",
        "mail.server.server2.port": port,
        "mail.server.server2.socketType": 0,
        "mail.server.server2.authMethod": 3,
        "mail.server.server2.type": "imap",
        "mail.server.server2.userName": address,
    }


def smtp(port: int) -> dict[str, object]:
    """That mail is sent by a server on this machine, to the people whose mail it keeps; no copy is kept."""
    return {
        "mail.smtpservers": "smtp1",
        "mail.smtp.defaultserver": "smtp1",
        "mail.smtpserver.smtp1.hostname": "127.0.0.1",
        "mail.smtpserver.smtp1.port": port,
        "mail.smtpserver.smtp1.try_ssl": 0,
        "mail.smtpserver.smtp1.authMethod": 1,
        "mail.identity.id1.smtpServer": "smtp1",
        "mail.identity.id1.fcc": False,
    }


def write_profile(profile: Path, xpi: Path, address: str | None, name: str, more: dict[str, object]) -> None:
    """Writes the settings and puts the add-on in; what Thunderbird itself keeps in the profile stays."""
    (profile / "extensions").mkdir(parents=True, exist_ok=True)
    settings = {**_LOCAL_FOLDERS, **(_mailbox(address, name) if address else {}), **more}
    lines = [f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in settings.items()]
    (profile / "user.js").write_text(_SETTINGS.read_text() + "\n".join(lines) + "\n")
    shutil.copyfile(xpi, profile / "extensions" / f"{built.ADDON_ID}.xpi")
