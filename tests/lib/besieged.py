"""A node's gateway under bad input: what it answers, whether it goes on, and what memory it takes."""

import base64
import http.client
import re
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from lib.gateway import Gateway
from lib.people import People

# Stands in every bad request, and never in an answer.
WITNESS = "Zeugma471100"
# The same within base64: it is as long as whole groups of three bytes.
_IN_BASE64 = base64.b64encode(WITNESS.encode())
# No answer to a bad request is longer, however long the request is.
SHORT = 500
# The fault's code for what is understood and refused.
REFUSED = -32000
# A network has so many writes before it has to wait; those who write more come from several.
WRITES = 400


def call(method: str, *params: str) -> str:
    """A call whose parameters are what stands between `<value>` and its end."""
    inside = "".join(f"<param><value>{param}</value></param>" for param in params)
    return f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{inside}</params></methodCall>"


def blob(content: bytes) -> str:
    """Bytes as a parameter."""
    return f"<base64>{base64.b64encode(content).decode()}</base64>"


def text(content: str) -> str:
    """Text as a parameter."""
    return f"<string>{escape(content)}</string>"


class Besieged:
    """A running node with a gateway and something to find in it."""

    def __init__(self, people: People) -> None:
        """Starts it."""
        self.gateway = Gateway(people)
        self._process = Path("/proc") / str(self.gateway.process.child.pid)
        self._key = xmlrpc.client.Binary(b"still here")
        self._writes = 0
        assert self.gateway.call("put", self._key, self._key, 3600, "test") == 0

    def post(
        self,
        body: bytes | Iterable[bytes],
        path: str = "/RPC2",
        source: str = "127.0.0.1",
    ) -> tuple[int, bytes]:
        """Sends a body over a connection of its own; gives status and answer. An iterable goes in chunks."""
        host, port = self.gateway.at.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=60, source_address=(source, 0))
        try:
            chunked = not isinstance(body, bytes)
            headers = {"Transfer-Encoding": "chunked"} if chunked else {}
            connection.request("POST", path, body, headers, encode_chunked=chunked)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def fault(self, body: str | bytes | Iterable[bytes], source: str = "127.0.0.1") -> tuple[int, str]:
        """The fault that a bad call is answered with: short, and with nothing of the call in it."""
        if isinstance(body, str):
            body = body.encode()
        if isinstance(body, bytes):
            assert WITNESS.encode() in body or _IN_BASE64 in body
        return self._fault(body, source)

    def refusal(self, record: str, method: str = "put-auth") -> str:
        """The name of the refusal of a record, the same whether the record comes as text or as base64."""
        names = {self._refusal(call(method, parameter)) for parameter in (text(record), blob(record.encode()))}
        assert len(names) == 1, names
        return names.pop()

    def _refusal(self, body: str) -> str:
        self._writes += 1
        code, words = self._fault(body.encode(), f"127.77.{self._writes // WRITES}.1")
        assert code == REFUSED, words
        # A name and perhaps a number: there is no room for anything of the record.
        assert re.fullmatch(r"[a-z-]+( \d+)?", words), words
        return words

    def _fault(self, body: bytes | Iterable[bytes], source: str) -> tuple[int, str]:
        status, answer = self.post(body, source=source)
        assert status == 200, answer[:SHORT]
        assert len(answer) < SHORT, answer[: 2 * SHORT]
        assert WITNESS.encode() not in answer and _IN_BASE64 not in answer
        found = re.search(rb"<fault>.*<int>(-?\d+)</int>.*<string>(.*)</string>.*</fault>", answer, re.DOTALL)
        assert found, answer
        return int(found[1]), found[2].decode()

    def serves(self) -> None:
        """A good call is answered."""
        values, _ = self.gateway.call("get", self._key, 10, xmlrpc.client.Binary(b""), "test")
        assert [value.data for value in values] == [self._key.data]

    def resident(self) -> int:
        """Its resident memory in KiB."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """The most that was resident since `forget_peak`, in KiB."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Has the peak counted from now on."""
        (self._process / "clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        lines = (self._process / "status").read_text().splitlines()
        [line] = [line for line in lines if line.startswith(f"{name}:")]
        return int(line.split()[1])
