"""One user with all that is theirs: home, registered host, screen, Thunderbird with Corella in it."""

import subprocess
from pathlib import Path
from typing import Any

import psutil

from lib import built
from lib.certifier import Certifier
from lib.display import Display
from lib.home import Home
from lib.mail import PASSWORDS, MailServer
from lib.pages import AddressBook, Chat
from lib.profile import imap, smtp, write_profile
from lib.thunderbird import Thunderbird
from lib.waiting import eventually

_FETCH = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init("imap://127.0.0.1", null, "imap://127.0.0.1", arguments[0], arguments[1], "", "");
Services.logins.addLoginAsync(login).then(() => {
  const account = MailServices.accounts.defaultAccount;
  account.incomingServer.performBiff(Services.wm.getMostRecentWindow("mail:3pane").msgWindow);
});
"""
_INBOX = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const root = MailServices.accounts.defaultAccount.incomingServer.rootFolder;
const inbox = root.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
return inbox ? [...inbox.messages].map(one => [one.mime2DecodedSubject, one.isRead]) : [];
"""

_COMPOSED = """
const window = Services.wm.getMostRecentWindow("msgcompose");
const send = window?.document.getElementById("button-send");
const bucket = window?.document.getElementById("attachmentBucket");
if (!send || send.disabled || !window.gMsgCompose?.identity || !bucket?.itemCount) {
  return null;
}
return {
  from: window.gMsgCompose.identity.email,
  to: [...window.document.querySelectorAll("mail-address-pill")].map(one => one.emailAddress),
  subject: window.document.getElementById("msgSubject").value,
  text: window.document.getElementById("messageEditor").contentDocument.body.innerText,
  attachments: [...bucket.itemChildren].map(one => one.attachment.name),
};
"""
_SEND = """
Services.wm.getMostRecentWindow("msgcompose").document.getElementById("button-send").click();
"""


class Person:
    """Someone at a screen."""

    def __init__(
        self,
        root: Path,
        name: str,
        address: str,
        bootstrap: list[str],
        certifier: Certifier | None = None,
        mail: MailServer | None = None,
    ) -> None:
        """Registers the host in a home below `root` and prepares the profile; nothing runs yet.

        The certificate comes from `certifier`, if there is one; the mail is at `mail`.
        """
        self.name, self.address, self.mail = name, address, mail
        self.home = Home(root)
        if certifier is None:
            self.home.configure(bootstrap)
        else:
            self.home.configure(bootstrap, f"http://{certifier.at}", certifier.folder / "root.pem")
        subprocess.run([built.host(), "install"], env=self.home.environment(), check=True, capture_output=True)
        more = {**imap(address, mail.ports.imap), **smtp(mail.ports.mx)} if mail is not None else {}
        write_profile(root / "profile", built.xpi(), address, name, {"marionette.port": 0, **more})
        self._display: Display | None = None
        self.thunderbird = Thunderbird(self.home, None)
        self.address_book = AddressBook(self.thunderbird)
        self.chat = Chat(self.thunderbird)

    def start(self) -> None:
        """Opens Thunderbird on a screen of its own."""
        if self._display is None:
            self._display = Display(self.home)
            self.thunderbird.display = self._display
        self.thunderbird.start()

    def fetch_mail(self) -> None:
        """Gets the mail and hears of more, with the password that Thunderbird knows from an earlier day."""
        user = self.address.split("@")[0]
        self.thunderbird.chrome(_FETCH, self.address, PASSWORDS[user])

    def composed(self) -> dict[str, Any]:
        """The mail that stands open to be sent, once it is complete."""
        return eventually(lambda: self.thunderbird.chrome(_COMPOSED), f"{self.name}'s mail stands open")

    def send_mail(self) -> None:
        """Presses Send in the mail that stands open."""
        self.thunderbird.chrome(_SEND)

    def inbox(self) -> list[tuple[str, bool]]:
        """What Thunderbird shows of its inbox: subjects, and whether they are read."""
        return [(subject, read) for subject, read in self.thunderbird.chrome(_INBOX)]

    def hosts(self) -> list[psutil.Process]:
        """The running hosts that this Thunderbird started."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            words = process.info["cmdline"] or []
            home = (process.info["environ"] or {}).get("HOME")
            if built.ADDON_ID in words and home == str(self.home.root):
                found.append(process)
        return found

    def screenshot(self, name: str) -> Path:
        """Keeps a picture of the screen under that name."""
        path = built.artifacts() / f"{name}.png"
        self.thunderbird.screenshot(path)
        return path

    def end(self) -> None:
        """Ends everything of this person."""
        self.thunderbird.kill()
        if self._display is not None:
            self._display.stop()
            self._display = None
