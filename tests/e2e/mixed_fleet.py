"""FastStream and the Rust consumer library share streams: the library's example, against this server.

The example itself checks bodies and headers in both directions, and that Rust takes over what Python failed at. Here: what
is left on the server after it, and that it goes on after a crash.
"""

import os
import pathlib
import subprocess
import sys

from server import run

EXAMPLE = pathlib.Path(os.environ.get("ACKLINE_EXAMPLES") or sys.exit("ACKLINE_EXAMPLES is not set")) / "faststream"
ENVELOPE = b"\x89BIN\r\n\x1a\n"
MESSAGES = 5


def example(server):
    env = {**os.environ, "ACKLINE_URL": f"redis://127.0.0.1:{server.port}", "ACKLINE_PYTHON": sys.executable}
    return subprocess.run([EXAMPLE], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def consumers(server, stream, group):
    return [row[1] for row in server.raw("XINFO", "CONSUMERS", stream, group)]


def left(checks, server, rounds):
    for stream, group in (("fleet.orders", "shippers"), ("fleet.shipments", "fleet")):
        entries = server.raw("XRANGE", stream, "-", "+")
        checks.equal(len(entries), MESSAGES * rounds, f"entries of {stream}")
        checks.true(all(fields[0] == b"__data__" for _id, fields in entries), f"fields of {stream}")
        checks.true(all(fields[1].startswith(ENVELOPE) for _id, fields in entries), f"envelopes of {stream}")
        checks.equal(server.raw("XPENDING", stream, group)[0], 0, f"pending entries of {group}")
    checks.equal(server.raw("EXISTS", "fleet.orders:dead", "fleet.shipments:dead"), 0, "dead letters")
    checks.equal(consumers(server, "fleet.orders", "shippers"), [], "Rust consumers leave their group")
    checks.equal(consumers(server, "fleet.shipments", "fleet"), [b"python"], "Python's stay")


def main(checks, server):
    for rounds in (1, 2):
        ended = example(server)
        checks.equal(ended.returncode, 0, f"the example:\n{ended.stdout}\n{ended.stderr}")
        checks.true("shipment 4, which Python failed at; delivery 2" in ended.stdout, "Rust takes over")
        left(checks, server, rounds)
        server.restart_and_compare(checks, "fleet.shipments")


if __name__ == "__main__":
    run(main)
