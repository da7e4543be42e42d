"""An authority that is not what it seems: it speaks as `corella-ca` does, and answers with what a test gives it."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from cryptography import x509

# Of the only request that it ever has.
REQUEST = "00" * 16


class FalseAuthority:
    """Listens on loopback until it is left."""

    def __init__(self, chain: str, certify: Callable[[x509.CertificateSigningRequest], str]) -> None:
        """`chain` is what it says it stands under; `certify` makes the answer to a request, in PEM."""
        self._chain, self._certify = chain, certify
        self._asked: x509.CertificateSigningRequest | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/chain.pem":
                    self._say(outer._chain)
                else:
                    self._say(outer._state())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/requests":
                    outer._asked = x509.load_der_x509_csr(body)
                    self._say(outer._state())
                else:
                    assert outer._asked is not None
                    self._say(outer._certify(outer._asked))

            def _say(self, what: str) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(what.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def was_asked(self) -> bool:
        """Whether anybody has asked it for a certificate."""
        return self._asked is not None

    def _state(self) -> str:
        return json.dumps({"request": REQUEST, "address": "", "state": "mailed", "expires": 0})

    def __enter__(self) -> Self:
        """Begins to listen."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._server.shutdown()
        self._server.server_close()
