"""A real server process on a free loopback port with a directory of its own, and the checks counted against it.

ACKLINE_BIN names the binary. ACKLINE_ARGS overrides its arguments ({port}, {admin_port} and {dir} are filled in).
ACKLINE_PEER=1 is for whoever develops these scripts against a Redis that has no XNACK yet: it leaves out
the checks that need it. Nothing sets it by itself.
"""

import faulthandler
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import redis

START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 20
SCRIPT_TIMEOUT_S = 150
OUTPUT_LINES_MAX = 60
DEFAULT_ARGS = "serve --port {port} --dir {dir}"
PEER = os.environ.get("ACKLINE_PEER") == "1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Checks:
    """Counts what was checked, so that a script that silently checks nothing is seen."""

    def __init__(self):
        self.count = 0

    def equal(self, got, want, what):
        self.count += 1
        if got != want:
            raise AssertionError(f"{what}\n  got:  {got!r}\n  want: {want!r}")

    def true(self, condition, what):
        self.equal(bool(condition), True, what)

    def raises(self, kind, text, call, *args, **kwargs):
        """The call fails with an error of this kind that contains this text."""
        try:
            got = call(*args, **kwargs)
        except kind as error:
            self.true(text in str(error), f"error text {str(error)!r} has {text!r}")
            return
        raise AssertionError(f"expected {kind.__name__} with {text!r}, got {got!r}")


class Server:
    def __init__(self, args=DEFAULT_ARGS):
        self.args = args
        self.binary = os.environ.get("ACKLINE_BIN") or sys.exit("ACKLINE_BIN is not set")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ackline-e2e-"))
        self.port = free_port()
        self.admin_port = free_port()
        self.output = self.dir / "output"
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.kill()
        if kind is not None and self.output.exists():
            lines = self.output.read_text(errors="replace").splitlines()[-OUTPUT_LINES_MAX:]
            print("--- output of the server", *lines, "--- end of the output", sep="\n", file=sys.stderr)
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        data = self.dir / "data"
        data.mkdir(exist_ok=True)
        template = os.environ.get("ACKLINE_ARGS") or self.args
        ports = {"port": self.port, "admin_port": self.admin_port}
        args = [word.format(**ports, dir=data) for word in shlex.split(template)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [self.binary, *args], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.wait_for_ping()

    def wait_for_ping(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self.process.returncode} before it answered")
            try:
                if self.raw("PING") == b"PONG":
                    return
            except (redis.RedisError, OSError):
                time.sleep(0.02)
        raise RuntimeError(f"the server did not answer PING within {START_TIMEOUT_S} s")

    def stop(self):
        """Asks it to stop, as a service manager would, and gives its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_TIMEOUT_S)

    def raw(self, *words):
        """One command on a connection of its own, over RESP2: the reply as it came, not as a client shapes it."""
        connection = redis.Connection(host="127.0.0.1", port=self.port, protocol=2, socket_timeout=10)
        try:
            connection.send_command(*words)
            return connection.read_response()
        finally:
            connection.disconnect()

    def snapshot(self, key):
        """Everything about a stream that a restart must not change."""
        full = pairs(self.raw("XINFO", "STREAM", key, "FULL", "COUNT", 0))
        stream = {name: full[name] for name in STREAM_FIELDS}
        groups = [self.group_snapshot(key, pairs(group)) for group in full[b"groups"]]
        return {"stream": stream, "entries": self.raw("XRANGE", key, "-", "+"), "groups": groups}

    def group_snapshot(self, key, group):
        name = group[b"name"]
        rows = self.raw("XPENDING", key, name, "-", "+", 1000)
        consumers = [pairs(row) for row in self.raw("XINFO", "CONSUMERS", key, name)]
        return {
            "group": {field: group[field] for field in GROUP_FIELDS},
            "summary": self.raw("XPENDING", key, name),
            "pending": [(id, owner, count) for id, owner, _idle, count in rows],
            "delivered_at": group[PENDING_FIELD],
            "consumers": [(row[b"name"], row[b"pending"]) for row in consumers],
        }

    def restart_and_compare(self, checks, key):
        """A crash, then an orderly stop: the stream is the same to the last delivery time."""
        before = self.snapshot(key)
        self.kill()
        self.start()
        checks.equal(self.snapshot(key), before, f"{key} after SIGKILL")
        checks.equal(self.stop(), 0, "exit status after SIGTERM")
        self.start()
        checks.equal(self.snapshot(key), before, f"{key} after SIGTERM")


STREAM_FIELDS = [b"length", b"last-generated-id", b"max-deleted-entry-id", b"entries-added"]
GROUP_FIELDS = [b"name", b"last-delivered-id", b"entries-read", b"lag", b"pel-count"]
PENDING_FIELD = b"pending"


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def eventually(probe, want, what, timeout_s=20):
    """Waits until the probe gives what is wanted; for what happens in another process or task."""
    deadline = time.monotonic() + timeout_s
    while (got := probe()) != want:
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {timeout_s} s\n  got:  {got!r}\n  want: {want!r}")
        time.sleep(0.02)


def run(main, args=DEFAULT_ARGS):
    """Runs a script's main(checks, server) with an end in sight, and prints the count that xtask reads."""
    faulthandler.dump_traceback_later(SCRIPT_TIMEOUT_S - 10)
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SCRIPT_TIMEOUT_S)
    checks = Checks()
    with Server(args) as server:
        main(checks, server)
    faulthandler.cancel_dump_traceback_later()
    print(f"{checks.count} checks")


def give_up(_signal, _frame):
    raise TimeoutError(f"the script took longer than {SCRIPT_TIMEOUT_S} s")
