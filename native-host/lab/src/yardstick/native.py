"""OpenDHT nodes inside this process: put and get without REST. Prints one JSON document, or nothing without the module."""

import json
import os
import random
import sys
import time

try:
    import opendht
except ImportError:
    sys.exit(0)

NODES = 4
network, port, operations, several, writers, size = (int(word) for word in sys.argv[1:])


def start():
    config = opendht.DhtConfig()
    config.setNetwork(network) if hasattr(config, "setNetwork") else None
    node = opendht.DhtRunner()
    node.run(port=0, config=config)
    node.bootstrap("127.0.0.1", str(port))
    return node


def key():
    return opendht.InfoHash.getRandom()


def row(times, right):
    times = sorted(times)
    at = lambda share: 1000 * times[min(len(times) * share // 100, len(times) - 1)]
    return {"right": right, "count": len(times), "p50": at(50), "p99": at(99)}


def fill(keys, writers):
    times, right, truths = [], 0, []
    for _ in range(keys):
        place, values = key(), set()
        for _ in range(writers):
            data = os.urandom(size)
            node = random.choice(nodes)
            begin = time.perf_counter()
            right += bool(node.put(place, opendht.Value(data)))
            times.append(time.perf_counter() - begin)
            values.add(data)
        truths.append((place, values))
    return truths, row(times, right)


def read(truths, count):
    times, right = [], 0
    for _ in range(count):
        place, values = random.choice(truths)
        node = random.choice(nodes)
        begin = time.perf_counter()
        found = node.get(place)
        times.append(time.perf_counter() - begin)
        right += {value.data for value in found} == values
    return row(times, right)


nodes = [start() for _ in range(NODES)]
deadline = time.monotonic() + 60
for node in nodes:
    probe = key()
    while time.monotonic() < deadline and not (node.put(probe, opendht.Value(b"probe")) and node.get(probe)):
        time.sleep(0.1)
for _ in range(50):
    for node in nodes:
        node.get(key())
single, put = fill(operations, 1)
get = read(single, operations)
together, _ = fill((several + 3) // 4, writers)
print(json.dumps({"put": put, "get": get, "get_all": read(together, several)}), flush=True)
# The library's threads need not be waited for.
os._exit(0)
