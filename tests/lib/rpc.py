"""JSON-RPC 2.0 as PROTOCOL.md says it, over either carriage: calls, answers, notifications."""

import io
import json
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any, Protocol, Self

from lib.process import Process
from lib.waiting import PATIENCE

Json = Any
LARGEST_FRAME = 786_432


class RpcError(Exception):
    """The other side answered with an error."""

    def __init__(self, error: dict[str, Json]) -> None:
        """Takes the `error` member as it came."""
        super().__init__(json.dumps(error))
        self.code: int = error["code"]
        self.data: dict[str, Json] = error.get("data") or {}
        self.name: str | None = self.data.get("name")


class Carriage(Protocol):
    """How documents travel."""

    def write(self, stream: IO[bytes], document: bytes) -> None:
        """Writes one document."""

    def read(self, stream: IO[bytes]) -> bytes | None:
        """Reads one document; none at the end."""


class Lines:
    """One document a line: `corella agent`."""

    def write(self, stream: IO[bytes], document: bytes) -> None:
        """Writes one line."""
        _write_all(stream, document + b"\n")

    def read(self, stream: IO[bytes]) -> bytes | None:
        """Reads one line."""
        line = stream.readline()
        return line if line.endswith(b"\n") else None


class Frames:
    """32-bit length in native byte order, then the document: native messaging."""

    def write(self, stream: IO[bytes], document: bytes) -> None:
        """Writes one frame."""
        _write_all(stream, struct.pack("=I", len(document)) + document)

    def read(self, stream: IO[bytes]) -> bytes | None:
        """Reads one frame."""
        head = _read_exactly(stream, 4)
        if head is None:
            return None
        (length,) = struct.unpack("=I", head)
        assert length <= LARGEST_FRAME, f"the host sent a frame of {length} bytes"
        return _read_exactly(stream, length)


@dataclass
class Notification:
    """What the host said unasked, and when it came (monotonic seconds)."""

    method: str
    params: dict[str, Json]
    at: float = field(default_factory=time.monotonic)


class Rpc:
    """A conversation with one process."""

    def __init__(self, process: Process, carriage: Carriage) -> None:
        """Starts to listen."""
        self.process = process
        self.carriage = carriage
        self.notifications: list[Notification] = []
        self.stray: list[dict[str, Json]] = []
        self.is_closed = False
        self.broken = ""
        self._answers: dict[Json, dict[str, Json]] = {}
        self._asked: set[Json] = set()
        self._last_id = 0
        self._news = threading.Condition()
        self._input = process.child.stdin
        # Unbuffered pipes give what is there; a buffer makes whole lines and frames of it.
        output = process.child.stdout
        assert self._input is not None and output is not None
        self._output = io.BufferedReader(output)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        """Gives itself; leaving the block kills the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""
        self.process.kill()

    def call(self, method: str, params: Json = None, patience: float = PATIENCE) -> Json:
        """Calls and returns the result; an error answer is raised as `RpcError`."""
        return self.result(self.ask(method, params), patience)

    def ask(self, method: str, params: Json = None) -> str:
        """Sends a call and returns its id, for `result`."""
        with self._news:
            self._last_id += 1
            number = f"call-{self._last_id}"
            self._asked.add(number)
        request = {"jsonrpc": "2.0", "id": number, "method": method}
        if params is not None:
            request["params"] = params
        self.send(json.dumps(request).encode())
        return number

    def result(self, number: str, patience: float = PATIENCE) -> Json:
        """Waits for the answer to `ask`."""
        answer = self._wait(lambda: self._answers.pop(number, None), f"the answer to {number}", patience)
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def send(self, document: bytes) -> None:
        """Sends any bytes as one document."""
        assert self._input is not None
        self.carriage.write(self._input, document)

    def send_raw(self, raw: bytes) -> None:
        """Sends any bytes as they are."""
        assert self._input is not None
        _write_all(self._input, raw)

    def next_stray(self, patience: float = PATIENCE) -> dict[str, Json]:
        """The next answer that belongs to no call of ours, such as one with the id null."""
        return self._wait(lambda: self.stray.pop(0) if self.stray else None, "an answer without a call", patience)

    def wait(
        self,
        method: str,
        condition: Callable[[dict[str, Json]], object] = lambda _: True,
        since: int = 0,
        patience: float = PATIENCE,
    ) -> Notification:
        """The first notification (from the `since`-th on) of that method whose parameters satisfy `condition`."""

        def found() -> Notification | None:
            candidates = self.notifications[since:]
            return next((one for one in candidates if one.method == method and condition(one.params)), None)

        return self._wait(found, f"a fitting {method}", patience)

    def mark(self) -> int:
        """How many notifications came so far, for `since`."""
        with self._news:
            return len(self.notifications)

    def closed(self, patience: float = PATIENCE) -> None:
        """Waits until the other side closed its output."""
        self._wait(lambda: self.is_closed, "the end of its output", patience)

    def _listen(self) -> None:
        while True:
            try:
                document = self.carriage.read(self._output)
            except (OSError, ValueError):
                document = None
            with self._news:
                self._news.notify_all()
                if document is None:
                    self.is_closed = True
                    return
                try:
                    self._take(json.loads(document))
                except (AssertionError, ValueError, KeyError) as wrong:
                    self.broken = f"said what is no JSON-RPC: {document[:500]!r} ({wrong}); "
                    self.is_closed = True
                    return

    def _take(self, message: dict[str, Json]) -> None:
        assert message.get("jsonrpc") == "2.0", message
        if "method" in message:
            self.notifications.append(Notification(message["method"], message.get("params", {})))
        elif message["id"] in self._asked:
            self._asked.discard(message["id"])
            self._answers[message["id"]] = message
        else:
            self.stray.append(message)

    def _wait(self, look: Callable[[], Json], what: str, patience: float) -> Json:
        deadline = time.monotonic() + patience
        with self._news:
            while True:
                found = look()
                if found:
                    return found
                if self.is_closed:
                    raise AssertionError(f"the output ended before {what}; {self.broken}{self.process.said()}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"waited {patience:.0f} s in vain for {what}; {self.process.said()}")
                self._news.wait(left)


def _write_all(stream: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


def _read_exactly(stream: IO[bytes], length: int) -> bytes | None:
    data = stream.read(length)
    return data if len(data) == length else None
