"""`ackline cli`: what redis-cli does for its users, by the same checks, and the interactive mode at a terminal of its own."""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import tempfile
import termios
import time

import redis_cli
from server import run

WAIT_S = 20
ROWS, COLUMNS = 40, 120
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[78=>]|\x1b\][^\x07]*\x07")
UP, TAB, CTRL_C, CTRL_D = "\x1b[A", "\t", "\x03", "\x04"


class Terminal:
    """A program at a pseudo-terminal. What it prints is read as text, without colours and movements."""

    def __init__(self, command, environment):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, {**os.environ, **environment, "TERM": "xterm-256color"})
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.output = b""
        self.seen = 0
        self.status = None

    def type(self, text):
        os.write(self.master, text.encode())

    def line(self, text):
        self.type(text + "\r")

    def text(self):
        return ESCAPES.sub(b"", self.output[self.seen :]).decode(errors="replace").replace("\r", "")

    def read(self):
        """More output; False at the end."""
        if not select.select([self.master], [], [], 0.1)[0]:
            return True
        try:
            more = os.read(self.master, 65536)
        except OSError:
            return False
        # The editor asks where the cursor is; any place will do.
        if b"\x1b[6n" in more:
            os.write(self.master, b"\x1b[1;1R")
        self.output += more
        return bool(more)

    def expect(self, checks, text):
        """Waits for the text, and goes on behind everything that came with it."""
        deadline = time.monotonic() + WAIT_S
        while text not in self.text():
            if time.monotonic() > deadline or not self.read():
                raise AssertionError(f"{text!r} does not come; there is {self.text()!r}")
        checks.true(True, text)
        got = self.text()
        self.seen = len(self.output)
        return got

    def end(self):
        deadline = time.monotonic() + WAIT_S
        while self.read():
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                break
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def as_redis_cli(checks, server, directory):
    """The checks of redis-cli, of a binary that is called so."""
    link = directory / "redis-cli"
    link.symlink_to(server.binary)
    redis_cli.REDIS_CLI = str(link)
    redis_cli.main(checks, server)


def open_terminal(server, directory):
    history = {"ACKLINECLI_HISTFILE": str(directory / "history"), "NO_COLOR": ""}
    return Terminal([server.binary, "cli", "-p", str(server.port)], history)


def prompts(checks, server, terminal):
    here = f"127.0.0.1:{server.port}"
    terminal.expect(checks, f"{here}> ")
    terminal.line("MULTI")
    terminal.expect(checks, f"{here}(TX)> ")
    terminal.line("PING")
    terminal.expect(checks, "QUEUED")
    terminal.line("EXEC")
    terminal.expect(checks, "1) PONG")
    terminal.line("select 2")
    terminal.expect(checks, f"{here}[2]> ")
    terminal.line("select 0")
    terminal.expect(checks, f"{here}> ")
    terminal.line('echo "a')
    terminal.line('b"')
    terminal.expect(checks, '"a\\nb"')
    terminal.line("2 echo twice")
    terminal.expect(checks, '"twice"\n"twice"\n')


def typed_ahead(checks, terminal):
    """Lines that are typed while a command runs are not lost."""
    terminal.line("xread block 300 streams nothing $")
    terminal.line("echo first")
    terminal.line("echo second")
    terminal.type("echo th")
    got = terminal.expect(checks, '"second"')
    checks.true('"first"' in got, "the line before it")
    terminal.line("ird")
    terminal.expect(checks, '"third"')


def help_while_typing(checks, terminal):
    terminal.expect(checks, "> ")
    terminal.type("xgroup destroy ")
    terminal.expect(checks, "key group")
    terminal.type("keyed ")
    terminal.expect(checks, "group")
    terminal.type(CTRL_C)
    terminal.expect(checks, "> ")
    terminal.line("xadd typed 1-1 field value")
    terminal.expect(checks, '"1-1"')
    terminal.line("xgroup create typed workers 0")
    terminal.expect(checks, "OK\n127.0.0.1")
    terminal.type("xinfo consumers typ" + TAB)
    terminal.expect(checks, "typed ")
    terminal.type(TAB)
    terminal.expect(checks, "workers")
    terminal.type("\r")
    terminal.expect(checks, "(empty array)")
    terminal.line("help xack")
    got = terminal.expect(checks, "group: stream")
    checks.true("XACK key group id [id ...]" in got, "the syntax in the help")
    terminal.line(":set table on")
    terminal.line("xrange typed - +")
    terminal.expect(checks, "value")
    terminal.line(":set table off")


def messages(checks, server, terminal):
    terminal.line("subscribe news")
    terminal.expect(checks, "Reading messages... (press Ctrl-C to quit or any key to type command)")
    redis_cli.Cli(server.port)("PUBLISH", "news", "hello")
    terminal.expect(checks, '3) "hello"')
    terminal.type("p")
    terminal.expect(checks, "(subscribed mode)> ")
    terminal.line("ing")
    terminal.expect(checks, '1) "pong"')
    terminal.type(CTRL_C)
    terminal.expect(checks, f"127.0.0.1:{server.port}> ")
    terminal.line("monitor")
    terminal.expect(checks, "Watching commands")
    redis_cli.Cli(server.port)("GET", "watched")
    terminal.expect(checks, '"GET" "watched"')
    terminal.type(CTRL_C)
    terminal.expect(checks, f"127.0.0.1:{server.port}> ")


def interruption(checks, server, terminal):
    terminal.line("xread block 0 streams typed $")
    blocked = lambda: redis_cli.info(redis_cli.Cli(server.port), "clients")["blocked_clients"]
    redis_cli.eventually(blocked, "1", "a blocked client")
    terminal.type(CTRL_C)
    terminal.expect(checks, f"127.0.0.1:{server.port}> ")
    redis_cli.eventually(blocked, "0", "no blocked client after Ctrl-C")
    terminal.line("ping")
    terminal.expect(checks, "PONG")


def secrets(checks, terminal, directory):
    terminal.line("auth hunter2")
    terminal.expect(checks, "(error)")
    # Typed ahead, or not: that is a matter of microseconds.
    terminal.line("config set requirepass ''")
    terminal.expect(checks, "OK\n127.0.0.1")
    terminal.type(UP)
    terminal.expect(checks, "ping")
    terminal.type(CTRL_C)
    terminal.expect(checks, "> ")
    history = directory / "history"
    checks.equal(history.stat().st_mode & 0o777, 0o600, "who may read the history")
    lines = history.read_text().split("\n")
    checks.true("xread block 0 streams typed $" in lines, "the history has what was typed")
    checks.true(not any("hunter2" in line or "requirepass" in line for line in lines), "and no secret")


def lost(checks, server, terminal):
    """The server goes away and comes back."""
    server.kill()
    terminal.line("ping")
    terminal.expect(checks, "not connected> ")
    server.start()
    terminal.line("ping")
    terminal.expect(checks, "PONG")
    terminal.expect(checks, f"127.0.0.1:{server.port}> ")
    terminal.type(CTRL_D)
    checks.equal(terminal.end(), 0, "exit status after Ctrl-D")


def main(checks, server):
    with tempfile.TemporaryDirectory(prefix="ackline-cli-") as name:
        directory = pathlib.Path(name)
        as_redis_cli(checks, server, directory)
        terminal = open_terminal(server, directory)
        prompts(checks, server, terminal)
        typed_ahead(checks, terminal)
        help_while_typing(checks, terminal)
        messages(checks, server, terminal)
        interruption(checks, server, terminal)
        secrets(checks, terminal, directory)
        lost(checks, server, terminal)


if __name__ == "__main__":
    run(main)
