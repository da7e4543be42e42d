"""A network of its own for the processes of a test: a network namespace, gone with the test."""

import os
import subprocess
from typing import Self

# One interface beside loopback, which carries multicast; the other end of the cable leads nowhere.
_SET_UP = """
set -e
ip link set lo up
ip link add outside type veth peer name far
ip address add {address} dev outside
ip link set outside up
ip link set far up
echo ready
exec cat
"""


class Network:
    """A machine's network with one address beside loopback; nothing in it reaches the real one."""

    def __init__(self, address: str) -> None:
        """Makes it; `address` has the form `192.0.2.2/24`."""
        # Who is not root may make a namespace in which they are.
        own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        self._holder = subprocess.Popen(
            ["unshare", *own_user, "--net", "sh", "-c", _SET_UP.format(address=address)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n", "no network namespace can be made here"
        enter_user = ["--user", "--preserve-credentials"] if own_user else []
        self.enter = ["nsenter", "--target", str(self._holder.pid), *enter_user, "--net", "--"]
        """What is put before a command, to run it inside."""

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """The namespace ends with the last process in it."""
        assert self._holder.stdin is not None
        self._holder.stdin.close()
        self._holder.wait()
