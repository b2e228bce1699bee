"""prometheus-redis-exporter against the real server, and our own page of metrics beside it: series of the same name and labels
have the same value."""

import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.request

import redis
from server import DEFAULT_ARGS, free_port, run

LINE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
START_TIMEOUT_S = 15
TOKEN = "scrape"
# Two looks differ in this.
IDLE = "redis_stream_group_consumer_idle_seconds"


def fetch(url, token=None):
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def series(text):
    """Name and labels of each sample, with its value."""
    found = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            name, labels, value = match.groups()
            found[name, tuple(sorted(LABEL.findall(labels or "")))] = float(value)
    return found


def wait_for(url, token=None):
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            return fetch(url, token)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def fill(client):
    for number in range(10):
        client.xadd("orders", {"n": number})
    client.xgroup_create("orders", "packers", "0")
    client.xgroup_create("orders", "idle", "$")
    client.xreadgroup("packers", "ann", {"orders": ">"}, count=6)
    client.xack("orders", "packers", *[entry for entry, _ in client.xrange("orders", count=2)])
    client.xdel("orders", client.xrange("orders", count=1)[0][0])
    client.xadd('odd "name"\\', {"f": "v"})
    client.set("flag", 1)


def exported(server):
    """What the exporter says of the server."""
    port = free_port()
    exporter = subprocess.Popen(
        [
            "prometheus-redis-exporter",
            f"-redis.addr=redis://127.0.0.1:{server.port}",
            f"-web.listen-address=127.0.0.1:{port}",
            "-check-streams=db0=*",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _, text = wait_for(f"http://127.0.0.1:{port}/metrics")
    finally:
        exporter.kill()
        exporter.wait()
    return series(text)


def look(checks, server):
    fill(redis.Redis(port=server.port, decode_responses=True))
    theirs = exported(server)
    checks.equal(theirs.get(("redis_up", ())), 1.0, "the exporter reads the server")
    checks.equal(theirs.get(("redis_exporter_last_scrape_error", ()), 0.0), 0.0, "without an error")
    kind, text = fetch(f"http://127.0.0.1:{server.admin_port}/metrics?consumers=1", TOKEN)
    checks.true(kind.startswith("application/openmetrics-text"), f"the type is that of OpenMetrics: {kind}")
    checks.true(text.endswith("# EOF\n"), "the page has an end")
    ours = series(text)
    streams = [key for key in theirs if key[0].startswith("redis_stream_")]
    checks.true(len(streams) >= 18, f"series of streams from the exporter: {len(streams)}")
    for name, labels in streams:
        value = ours.get((name, labels))
        if name == IDLE:
            checks.true(value is not None, f"{name} {labels}")
        else:
            checks.equal(value, theirs[name, labels], f"{name} {labels}")
    for name in ["redis_memory_max_bytes", "redis_blocked_clients"]:
        checks.equal(ours.get((name, ())), theirs.get((name, ())), name)
    own(checks, ours)
    drawn(checks, ours)


def own(checks, ours):
    """What only we have."""
    group = (("db", "db0"), ("group", "packers"), ("stream", "orders"))
    age = ours[("ackline_group_oldest_pending_seconds", group)]
    checks.true(0 <= age < 120, f"age of the oldest pending entry: {age}")
    checks.equal(ours[("redis_stream_group_messages_pending", group)], 4.0, "pending")
    checks.equal(ours[("ackline_entries_added_total", ())], 11.0, "added")
    checks.equal(ours[("ackline_entries_delivered_total", ())], 6.0, "delivered")
    checks.equal(ours[("ackline_entries_acknowledged_total", ())], 2.0, "acknowledged")
    checks.equal(ours[("ackline_ack_seconds_count", ())], 2.0, "acknowledgements that were timed")
    checks.true(ours[("ackline_fsync_seconds_count", ())] >= 1.0, "syncs that were timed")
    cmd = (("cmd", "xadd"),)
    checks.equal(ours[("redis_commands_total", cmd)], 11.0, "calls of XADD")
    checks.equal(ours[("ackline_command_seconds_count", cmd)], 11.0, "and as many in the histogram")


def drawn(checks, ours):
    """Everything that the dashboard and the rules draw from is there."""
    names = {name for name, _ in ours}
    deploy = pathlib.Path(__file__).parents[2] / "deploy"
    texts = [(deploy / path).read_text() for path in ["grafana/ackline.json", "prometheus/rules.yml"]]
    wanted = set(re.findall(r"\b(?:ackline|redis)_\w+", " ".join(texts)))
    checks.true(len(wanted) > 20, f"names in dashboard and rules: {len(wanted)}")
    checks.equal(sorted(wanted - names), [], "names that no metric has")


def main(checks, server):
    look(checks, server)
    for path in ["healthz", "readyz"]:
        checks.equal(fetch(f"http://127.0.0.1:{server.admin_port}/{path}")[1].strip() != "", True, path)
    try:
        fetch(f"http://127.0.0.1:{server.admin_port}/metrics")
    except urllib.error.HTTPError as refused:
        checks.equal(refused.code, 401, "no token")


if __name__ == "__main__":
    run(main, DEFAULT_ARGS + " --admin-port {admin_port} --admin-token " + TOKEN)
