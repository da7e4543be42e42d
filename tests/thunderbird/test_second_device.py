"""Alice's second Thunderbird: it becomes her with her address and a secret, and the first tells of it."""

from collections.abc import Callable

import pytest
from marionette_driver.keys import Keys

from lib.pages import add_contact
from lib.people import People
from lib.person import Person
from lib.waiting import eventually

BOB = "bob@example.net"
PASSPHRASE = "a passphrase of hers"

pytestmark = pytest.mark.timeout(900)

_DOWNLOADS = """
Services.prefs.setIntPref("browser.download.folderList", 2);
Services.prefs.setStringPref("browser.download.dir", arguments[0]);
Services.prefs.setBoolPref("browser.download.useDownloadDir", true);
"""
# What Thunderbird's certificate manager does with a backup: 0 is good.
_IMPORT = """
const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
file.initWithPath(arguments[0]);
return Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).importPKCS12File(file, arguments[1]);
"""
_CERTIFICATES = """
return Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).getCerts()
  .filter(one => one.emailAddress === arguments[0]).map(one => one.sha256Fingerprint.replaceAll(":", "").toLowerCase());
"""


def test_address_and_secret_make_a_second_thunderbird_hers(
    sit_down: Callable[..., Person], people: People, network: list[str]
) -> None:
    people.node("second", network)
    alice = sit_down("Alice")
    alice.start()
    add_contact(alice.thunderbird, "Bob", BOB)
    alice.chat.go_on_line()
    alice.address_book.click_sip_link("Bob")
    alice.chat.at(BOB)
    alice.thunderbird.click("#add-buddy")

    # The first one keeps her identity, under a secret that is suggested to her.
    alice.thunderbird.click("#own-status")
    alice.thunderbird.click(".devices button")
    alice.thunderbird.click("#devices-suggest")
    secret = alice.thunderbird.find("#devices-secret").get_property("value")
    assert len(secret) == 23
    alice.screenshot("11-alice-is-suggested-a-secret")
    alice.thunderbird.click("#devices-submit")
    alice.thunderbird.find('.devices[data-portable="true"]')

    phone = sit_down("Alice", device="2")
    phone.start()
    phone.thunderbird.page("onboarding.html")
    phone.thunderbird.click("#already summary")
    phone.thunderbird.find("#already-secret").send_keys(secret)
    phone.screenshot("12-alice-already-uses-corella")

    def taken() -> bool:
        # What the first one keeps may still be on its way.
        if phone.thunderbird.has_page("chat.html"):
            return True
        if phone.thunderbird.has_page("onboarding.html") and phone.thunderbird.seen("#already-submit:enabled"):
            phone.thunderbird.click("#already-submit:enabled")
        return False

    eventually(taken, "the chat on the second one")
    phone.thunderbird.find(f'#conversation-list [data-address="{BOB}"]')

    def fingerprint(person: Person) -> str:
        """Her own, as her Thunderbird shows it."""
        if person.thunderbird.seen("#own-identities .fingerprint") is None:
            person.thunderbird.click("#own-status")
        return person.thunderbird.find("#own-identities .fingerprint").get_attribute("data-fingerprint")

    # The first one says so.
    alice.thunderbird.page("chat.html")
    alice.thunderbird.find("#new-devices [data-device]")
    assert fingerprint(phone) == fingerprint(alice)
    alice.thunderbird.find("#own-status-note").send_keys(Keys.ESCAPE)
    eventually(lambda: alice.thunderbird.seen("#own-status-panel") is None, "the panel closes")
    alice.screenshot("13-alice-is-told-of-the-second")
    phone.screenshot("14-alice-on-the-second")
    alice.thunderbird.click("#new-devices-known")
    eventually(lambda: alice.thunderbird.seen("#new-devices") is None, "that she knows it")


def test_the_backup_is_one_for_thunderbird_too(sit_down: Callable[..., Person]) -> None:
    alice = sit_down("Alice")
    alice.start()
    alice.chat.go_on_line()
    alice.thunderbird.click("#own-status")
    alice.thunderbird.click("#own-identities .backup")
    for field in ("#backup-passphrase", "#backup-passphrase-again"):
        alice.thunderbird.find(field).send_keys(PASSPHRASE)
    alice.thunderbird.click("#backup-submit")
    # The link saves it where Thunderbird saves what is downloaded.
    alice.thunderbird.chrome(_DOWNLOADS, str(alice.home.root))
    alice.thunderbird.click("#backup-file")
    file = alice.home.root / f"corella-{alice.address}.p12"
    eventually(lambda: file.exists() and file.stat().st_size > 0, "the backup on the disk")
    alice.screenshot("15-alice-has-a-backup")
    assert alice.thunderbird.chrome(_IMPORT, str(file), "another passphrase") != 0
    assert alice.thunderbird.chrome(_IMPORT, str(file), PASSPHRASE) == 0
    assert len(alice.thunderbird.chrome(_CERTIFICATES, alice.address)) == 1
