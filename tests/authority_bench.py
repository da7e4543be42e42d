"""How soon the authority's letter is at the mail server, and how many requests it takes in a minute.

Beside each request the same mail server is given a letter by Python's own `smtplib`, over a connection that stands;
what remains is the authority's own time. Prints a table; nothing passes or fails.
"""

import smtplib
import ssl
import statistics
import tempfile
import threading
import time
from email.message import EmailMessage
from pathlib import Path

from lib.certifier import Applicant, Certifier
from lib.mail import DOMAIN, PASSWORDS, MailServer

ONE_BY_ONE = 200
AT_ONCE = 1000
THREADS = 8
# Milliseconds until the letter is handed over, without the mail server's time; requests a minute.
AIM_MS, AIM_RATE = 50, 1000


def main() -> None:
    """Measures both."""
    people = [f"p{number}" for number in range(ONE_BY_ONE + AT_ONCE)]
    with tempfile.TemporaryDirectory(prefix="corella-mail-") as folder:
        mail = MailServer(Path(folder), people)
        certifier = Certifier(Path(folder) / "ca", mail, {"per_network": 10_000})
        try:
            certifier.serve()
            one_by_one(certifier, mail, people[:ONE_BY_ONE])
            at_once(certifier, people[ONE_BY_ONE:])
        finally:
            certifier.end()
            mail.end()


def one_by_one(certifier: Certifier, mail: MailServer, people: list[str]) -> None:
    """Each waits until the letter is with the mail server."""
    beside = smtplib.SMTP("localhost", mail.ports.submission)
    beside.starttls(context=ssl.create_default_context(cafile=str(mail.ca.certificate_file)))
    beside.login(f"ca@{DOMAIN}", PASSWORDS["ca"])
    ours, servers = [], []
    for name in people:
        applicant = Applicant(name)
        request = applicant.request()
        begin = time.perf_counter()
        _, body = certifier.ask(request)
        while certifier.state(body["request"])["state"] != "mailed":
            pass
        ours.append(1000 * (time.perf_counter() - begin))
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = f"ca@{DOMAIN}", applicant.address, "beside"
        letter.set_content("x" * 1000)
        begin = time.perf_counter()
        beside.send_message(letter)
        servers.append(1000 * (time.perf_counter() - begin))
    beside.quit()
    whole, server = statistics.median(ours), statistics.median(servers)
    print(f"{len(people)} requests, one after the other, p50 in ms")
    print(f"  from the request until the letter is with exim4   {whole:7.1f}")
    print(f"  a letter to exim4 by smtplib alone                {server:7.1f}")
    print(f"  the authority's own                               {whole - server:7.1f}   aim <= {AIM_MS}")


def at_once(certifier: Certifier, people: list[str]) -> None:
    """All that want one, from a few networks, until the last letter is with the mail server."""
    requests = [Applicant(name).request() for name in people]
    asked: list[str] = []

    def ask(network: int) -> None:
        for request in requests[network::THREADS]:
            status, body = certifier.ask(request, network)
            assert status == 202, body
            asked.append(body["request"])

    begin = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(network,)) for network in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begin
    for request in asked:
        while certifier.state(request)["state"] != "mailed":
            time.sleep(0.01)
    mailed = time.perf_counter() - begin
    print(f"{len(requests)} requests from {THREADS} networks at once, in a minute")
    print(f"  requests taken                                    {60 * len(asked) / taken:7.0f}   aim >= {AIM_RATE}")
    print(f"  letters with exim4                                {60 * len(asked) / mailed:7.0f}   aim >= {AIM_RATE}")


if __name__ == "__main__":
    main()
