"""redis-cli as people use it: arguments, standard input, --raw, --no-raw, -3, --scan, --pipe, a blocked read."""

import os
import subprocess

from server import PEER, eventually, run

REDIS_CLI = os.environ.get("REDIS_CLI", "redis-cli")
LOW_ID = "ERR The ID specified in XADD is equal or smaller than the target stream top item"


class Cli:
    def __init__(self, port):
        self.port = str(port)

    def start(self, *args, **options):
        command = [REDIS_CLI, "-p", self.port, *(str(arg) for arg in args)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, text=True, **pipes, **options)

    def __call__(self, *args, stdin=""):
        """What it prints, as lines without the empty ones at the end."""
        process = self.start(*args)
        output, _ = process.communicate(stdin, timeout=30)
        return output.rstrip("\n").split("\n")


def produce_and_consume(checks, cli):
    equal = checks.equal
    equal(cli("PING"), ["PONG"], "PING")
    equal(cli("XADD", "orders", "1-1", "item", "a b", "n", "1"), ["1-1"], "XADD")
    equal(cli("XADD", "orders", "1-2", "n", "2"), ["1-2"], "XADD")
    equal(cli("XADD", "orders", "1-2", "n", "2"), [LOW_ID], "XADD of a low ID")
    equal(cli("XGROUP", "CREATE", "orders", "g", "0"), ["OK"], "XGROUP CREATE")
    busy = ["BUSYGROUP Consumer Group name already exists"]
    equal(cli("XGROUP", "CREATE", "orders", "g", "0"), busy, "XGROUP CREATE again")
    got = cli("--raw", "XREADGROUP", "GROUP", "g", "alice", "COUNT", 1, "STREAMS", "orders", ">")
    equal(got, ["orders", "1-1", "item", "a b", "n", "1"], "XREADGROUP --raw")
    got = cli("--no-raw", "XREADGROUP", "GROUP", "g", "bob", "STREAMS", "orders", ">")
    want = ['1) 1) "orders"', '   2) 1) 1) "1-2"', '         2) 1) "n"', '            2) "2"']
    equal(got, want, "XREADGROUP --no-raw")
    got = cli("-3", "--no-raw", "XREADGROUP", "GROUP", "g", "bob", "STREAMS", "orders", ">")
    equal(got, ["(nil)"], "XREADGROUP of nothing")
    got = cli("-3", "--no-raw", "XREADGROUP", "GROUP", "g", "bob", "STREAMS", "orders", "0")
    want = ['1# "orders" => ', '   1) 1) "1-2"', '      2) 1) "n"', '         2) "2"']
    equal([line.rstrip() for line in got], [line.rstrip() for line in want], "XREADGROUP -3 --no-raw")
    equal(cli("--no-raw", "XACK", "orders", "g", "1-2"), ["(integer) 1"], "XACK")


def claim(checks, cli):
    equal = checks.equal
    want = ['1) (integer) 1', '2) "1-1"', '3) "1-1"', '4) 1) 1) "alice"', '      2) "1"']
    equal(cli("--no-raw", "XPENDING", "orders", "g"), want, "XPENDING")
    got = cli("XAUTOCLAIM", "orders", "g", "carol", 0, "0-0", "COUNT", 1)
    equal([line for line in got if line], ["0-0", "1-1", "item", "a b", "n", "1"], "XAUTOCLAIM")
    equal(cli("XCLAIM", "orders", "g", "dave", 0, "1-1", "JUSTID"), ["1-1"], "XCLAIM")
    got = cli("XREADGROUP", "GROUP", "g", "erin", "CLAIM", 0, "STREAMS", "orders", ">")
    equal(got[:6], ["orders", "1-1", "item", "a b", "n", "1"], "XREADGROUP CLAIM")
    equal(got[7], "2", "the delivery count that CLAIM reports")
    rows = cli("XPENDING", "orders", "g", "-", "+", 10)
    equal((rows[0], rows[1], rows[3]), ("1-1", "erin", "3"), "XPENDING with a range")
    names = [line.split()[1] for line in cli("-3", "XINFO", "CONSUMERS", "orders", "g") if line.startswith("name ")]
    equal(names, ["alice", "bob", "carol", "dave", "erin"], "XINFO CONSUMERS")
    equal(cli("XGROUP", "DELCONSUMER", "orders", "g", "alice"), ["0"], "XGROUP DELCONSUMER")


def blocked_read(checks, server, cli):
    """The reader crashes with what it was given: its entry stays pending, under its name."""
    reader = cli.start("XREADGROUP", "GROUP", "g", "frank", "BLOCK", 15_000, "STREAMS", "orders", ">")
    eventually(lambda: info(cli, "clients")["blocked_clients"], "1", "a blocked client in INFO")
    checks.equal(cli("XADD", "orders", "2-1", "n", "3"), ["2-1"], "XADD that wakes the reader")
    output, _ = reader.communicate(timeout=30)
    checks.equal(output.split(), ["orders", "2-1", "n", "3"], "what the blocked reader got")
    reader = cli.start("XREADGROUP", "GROUP", "g", "frank", "BLOCK", 0, "STREAMS", "orders", ">")
    eventually(lambda: info(cli, "clients")["blocked_clients"], "1", "a blocked client in INFO")
    reader.kill()
    reader.communicate(timeout=30)
    eventually(lambda: info(cli, "clients")["blocked_clients"], "0", "no blocked client once it is gone")
    rows = cli("XPENDING", "orders", "g", "2-1", "2-1", 10, "frank")
    checks.equal((rows[0], rows[1], rows[3]), ("2-1", "frank", "1"), "the entry of the reader that died")


def info(cli, section):
    rows = (line.strip().partition(":") for line in cli("INFO", section))
    return {name: value for name, colon, value in rows if colon}


def standard_input(checks, server, cli):
    equal = checks.equal
    script = "MULTI\nXADD jobs 1-1 a 1\nXADD jobs 1-2 a 2\nXLEN jobs\nEXEC\n"
    equal(cli(stdin=script), ["OK", "QUEUED", "QUEUED", "QUEUED", "1-1", "1-2", "2"], "MULTI from standard input")
    broken = "MULTI\nXADD jobs\nXLEN jobs\nEXEC\n"
    lines = [line for line in cli(stdin=broken) if line]
    equal(lines[1], "ERR wrong number of arguments for 'xadd' command", "a bad command in MULTI")
    equal(lines[-1], "EXECABORT Transaction discarded because of previous errors.", "EXEC after it")
    mass = "".join(f"XADD jobs 2-{n} n {n}\r\n" for n in range(1, 501))
    equal(cli("--pipe", stdin=mass)[-1], "errors: 0, replies: 500", "--pipe")
    equal(cli("XLEN", "jobs"), ["502"], "XLEN after --pipe")


def look_around(checks, server, cli):
    equal = checks.equal
    equal(sorted(cli("--scan")), ["jobs", "orders"], "--scan")
    equal(cli("--scan", "--pattern", "ord*"), ["orders"], "--scan --pattern")
    equal(cli("-3", "--scan", "--pattern", "j?bs"), ["jobs"], "-3 --scan")
    equal(cli("TYPE", "orders"), ["stream"], "TYPE")
    equal(cli("--csv", "XRANGE", "orders", "1-2", "1-2"), ['"1-2","n","2"'], "--csv")
    equal(cli("-r", 2, "-i", 0, "XLEN", "orders"), ["3", "3"], "-r 2")
    section = info(cli, "server")
    equal(section["tcp_port"], str(server.port), "tcp_port in INFO")
    equal(section["process_id"], str(server.process.pid), "process_id in INFO")
    hello = dict(line.split(" ", 1) for line in cli("-3", "HELLO")[:6] if " " in line)
    equal(hello["proto"], "3", "HELLO with -3")
    process = cli.start("-e", "XADD", "orders", "1-1", "n", "0")
    output, _ = process.communicate(timeout=30)
    equal((process.returncode, output.strip()), (1, LOW_ID), "exit status of an error with -e")


def nack(checks, server, cli):
    equal = checks.equal
    equal(cli("XNACK", "orders", "g", "FATAL", "IDS", 1, "2-1"), ["1"], "XNACK FATAL")
    equal(cli("XNACK", "orders", "g", "FAIL", "IDS", 1, "1-1"), ["1"], "XNACK FAIL")
    want = ["1) (integer) 2", '2) "1-1"', '3) "2-1"', "4) (empty array)"]
    equal(cli("--no-raw", "XPENDING", "orders", "g"), want, "XPENDING of released entries")
    rows = cli("--no-raw", "XPENDING", "orders", "g", "2-1", "2-1", 1)
    want = ['1) 1) "2-1"', '   2) ""', "   3) (integer) -1", "   4) (integer) 9223372036854775807"]
    equal(rows, want, "XPENDING of a fatal one")
    mode = ["ERR mode must be SILENT, FAIL, or FATAL"]
    equal([line for line in cli("XNACK", "orders", "g", "MAYBE", "IDS", 1, "1-1") if line], mode, "XNACK MAYBE")
    server.restart_and_compare(checks, "orders")


def main(checks, server):
    cli = Cli(server.port)
    produce_and_consume(checks, cli)
    server.restart_and_compare(checks, "orders")
    claim(checks, cli)
    blocked_read(checks, server, cli)
    standard_input(checks, server, cli)
    server.restart_and_compare(checks, "orders")
    server.restart_and_compare(checks, "jobs")
    look_around(checks, server, cli)
    if not PEER:
        nack(checks, server, cli)


if __name__ == "__main__":
    run(main)
