"""redis-py, synchronous, over RESP2 and RESP3."""

import threading

import redis

from server import PEER, eventually, run

KEY = "orders"
GROUP = "workers"


class Cycle:
    """One whole life of a stream with a group, over one protocol."""

    def __init__(self, checks, server, protocol):
        self.checks = checks
        self.server = server
        self.protocol = protocol
        self.redis = self.client()

    def client(self, **options):
        return redis.Redis(
            port=self.server.port,
            protocol=self.protocol,
            legacy_responses=False,
            decode_responses=True,
            socket_timeout=20,
            **options,
        )

    def run(self):
        self.redis.flushall()
        for step in [
            self.connect,
            self.produce,
            self.consume,
            self.acknowledge,
            self.restart,
            self.crash_and_claim,
            self.remove_dead_consumers,
            self.restart,
            self.block,
            self.transactions,
            self.delete,
            self.restart,
        ]:
            step()
        if not PEER:
            self.nack()
            self.nack_survives_a_restart()
        self.redis.close()

    def restart(self):
        self.server.restart_and_compare(self.checks, KEY)

    def pending(self, key=KEY):
        rows = self.redis.xpending_range(key, GROUP, "-", "+", 100)
        return [(row["message_id"], row["consumer"], row["times_delivered"]) for row in rows]

    def connect(self):
        equal = self.checks.equal
        equal(self.redis.ping(), True, "PING")
        hello = self.redis.execute_command("HELLO")
        if self.protocol == 2:
            hello = dict(zip(hello[::2], hello[1::2]))
        equal(hello["proto"], self.protocol, "the protocol of the connection")
        named = self.client(client_name="orders-worker")
        equal(named.client_getname(), "orders-worker", "CLIENT GETNAME")
        equal(named.client_info()["name"], "orders-worker", "the name in CLIENT INFO")
        named.close()

    def produce(self):
        equal = self.checks.equal
        equal(self.redis.xgroup_create(KEY, GROUP, id="0", mkstream=True), True, "XGROUP CREATE")
        create = self.redis.xgroup_create
        self.checks.raises(redis.ResponseError, "BUSYGROUP Consumer Group name already exists", create, KEY, GROUP)
        equal(self.redis.xadd(KEY, {"n": "1", "item": "a"}, id="1-1"), "1-1", "XADD")
        pipe = self.redis.pipeline(transaction=True)
        for n in range(2, 7):
            pipe.xadd(KEY, {"n": str(n)}, id=f"1-{n}")
        equal(pipe.execute(), [f"1-{n}" for n in range(2, 7)], "XADD in MULTI")
        low = "The ID specified in XADD is equal or smaller than the target stream top item"
        self.checks.raises(redis.ResponseError, low, self.redis.xadd, KEY, {"n": "0"}, id="1-6")
        equal(self.redis.xlen(KEY), 6, "XLEN")
        equal(self.redis.xrange(KEY, count=1), [("1-1", {"n": "1", "item": "a"})], "XRANGE")

    def read(self, consumer, **options):
        reply = self.redis.xreadgroup(GROUP, consumer, {KEY: ">"}, **options)
        return reply.get(KEY, [])

    def consume(self):
        equal = self.checks.equal
        got = self.read("alice", count=3)
        equal(got, [("1-1", {"n": "1", "item": "a"}), ("1-2", {"n": "2"}), ("1-3", {"n": "3"})], "alice's entries")
        equal(self.read("bob", count=2), [("1-4", {"n": "4"}), ("1-5", {"n": "5"})], "bob's entries")
        summary = self.redis.xpending(KEY, GROUP)
        owners = [{"name": "alice", "pending": 3}, {"name": "bob", "pending": 2}]
        equal(summary, {"pending": 5, "min": "1-1", "max": "1-5", "consumers": owners}, "XPENDING")

    def acknowledge(self):
        equal = self.checks.equal
        equal(self.redis.xack(KEY, GROUP, "1-1", "9-9"), 1, "XACK")
        equal(self.redis.xack(KEY, GROUP, "1-1"), 0, "XACK again")
        left = [("1-2", "alice", 1), ("1-3", "alice", 1), ("1-4", "bob", 1), ("1-5", "bob", 1)]
        equal(self.pending(), left, "pending after XACK")
        [group] = self.redis.xinfo_groups(KEY)
        want = {"name": GROUP, "consumers": 2, "pending": 4, "last-delivered-id": "1-5", "entries-read": 5, "lag": 1}
        equal(group, want, "XINFO GROUPS")

    def crash_and_claim(self):
        """A consumer that re-reads its own entries dies with its connection; others take them over."""
        equal = self.checks.equal
        alice = self.client(single_connection_client=True)
        history = alice.xreadgroup(GROUP, "alice", {KEY: "0"})
        equal(history, {KEY: [("1-2", {"n": "2"}), ("1-3", {"n": "3"})]}, "alice's own entries after the restart")
        alice.connection.disconnect()
        equal([row[1] for row in self.pending()], ["alice", "alice", "bob", "bob"], "owners after the crash")

        cursor, claimed, deleted = self.redis.xautoclaim(KEY, GROUP, "carol", 0, "0-0", count=1)
        equal((cursor, claimed, deleted), ("1-3", [("1-2", {"n": "2"})], []), "XAUTOCLAIM")
        equal(self.redis.xclaim(KEY, GROUP, "carol", 3_600_000, ["1-3"]), [], "XCLAIM of what is not idle enough")
        equal(self.redis.xclaim(KEY, GROUP, "carol", 0, ["1-3"], justid=True), ["1-3"], "XCLAIM JUSTID")
        rows = {row[0]: row[1:] for row in self.pending()}
        equal(rows["1-2"], ("carol", 3), "a claim counts as a delivery")
        equal(rows["1-3"], ("carol", 2), "a claim with JUSTID does not")

        got = self.read("dave", claim_min_idle_time=0)
        equal([row[0] for row in got], ["1-4", "1-5", "1-2", "1-3", "1-6"], "CLAIM: longest pending first, then new")
        equal([row[3] for row in got], [1, 1, 3, 2, 0], "previous deliveries that CLAIM reports")
        self.checks.true(all(row[2] >= 0 for row in got), "idle times that CLAIM reports")
        want = [("1-2", "dave", 4), ("1-3", "dave", 3), ("1-4", "dave", 2), ("1-5", "dave", 2), ("1-6", "dave", 1)]
        equal(self.pending(), want, "pending after CLAIM")

    def remove_dead_consumers(self):
        equal = self.checks.equal
        consumers = self.redis.xinfo_consumers(KEY, GROUP)
        equal([row["name"] for row in consumers], ["alice", "bob", "carol", "dave"], "consumers")
        equal([row["pending"] for row in consumers], [0, 0, 0, 5], "their pending entries")
        self.checks.true(all(row["idle"] >= 0 for row in consumers), "idle times in XINFO CONSUMERS")
        for row in consumers[:3]:
            equal(self.redis.xgroup_delconsumer(KEY, GROUP, row["name"]), 0, f"XGROUP DELCONSUMER {row['name']}")
        equal(self.redis.xgroup_createconsumer(KEY, GROUP, "erin"), 1, "XGROUP CREATECONSUMER")
        self.redis.xclaim(KEY, GROUP, "erin", 0, ["1-5", "1-6"])
        equal(self.redis.xgroup_delconsumer(KEY, GROUP, "erin"), 2, "DELCONSUMER drops what was pending")
        equal(self.redis.xack(KEY, GROUP, "1-2"), 1, "XACK after a claim")

    def block(self):
        equal = self.checks.equal
        equal(self.read("dave", block=20), [], "BLOCK that runs out")
        replies = []
        reader = threading.Thread(target=lambda: replies.append(self.read("dave", block=15_000)), daemon=True)
        reader.start()
        eventually(self.blocked_clients, 1, "a blocked client in INFO")
        equal(self.redis.xadd(KEY, {"n": "7"}, id="2-1"), "2-1", "XADD that wakes the reader")
        reader.join(20)
        equal(replies, [[("2-1", {"n": "7"})]], "what the blocked reader got")
        equal(self.redis.xread({KEY: "1-6"}, block=15_000), {KEY: [("2-1", {"n": "7"})]}, "XREAD BLOCK with data")

    def blocked_clients(self):
        return self.redis.info("clients")["blocked_clients"]

    def transactions(self):
        equal = self.checks.equal
        pipe = self.redis.pipeline(transaction=True)
        pipe.xadd(KEY, {"n": "8"}, id="3-1")
        pipe.xreadgroup(GROUP, "dave", {KEY: ">"})
        pipe.xack(KEY, GROUP, "2-1", "3-1")
        pipe.xadd(KEY, {"n": "8"}, id="3-1")
        pipe.xlen(KEY)
        replies = pipe.execute(raise_on_error=False)
        equal(replies[:3], ["3-1", {KEY: [("3-1", {"n": "8"})]}, 2], "add, read, ack in one MULTI")
        self.checks.true(isinstance(replies[3], redis.ResponseError), "an error inside MULTI")
        equal(replies[4], 8, "the commands after it are executed")
        with self.redis.pipeline() as watching:
            watching.watch(KEY)
            self.redis.xadd(KEY, {"n": "9"}, id="3-2")
            watching.multi()
            watching.xlen(KEY)
            self.checks.raises(redis.WatchError, "", watching.execute)

    def delete(self):
        equal = self.checks.equal
        equal(self.redis.xackdel(KEY, GROUP, "1-3", "9-9"), [1, -1], "XACKDEL")
        equal(self.redis.xdel(KEY, "1-1", "1-1"), 1, "XDEL")
        equal(self.redis.xtrim(KEY, maxlen=5, approximate=False), 2, "XTRIM")
        equal([row[0] for row in self.redis.xrange(KEY)], ["1-5", "1-6", "2-1", "3-1", "3-2"], "entries left")
        equal(self.pending(), [("1-4", "dave", 2)], "a pending entry outlives its message")
        equal(self.redis.xautoclaim(KEY, GROUP, "dave", 0), ["0-0", [], ["1-4"]], "XAUTOCLAIM lists what is gone")
        info = self.redis.xinfo_stream(KEY)
        equal((info["length"], info["entries-added"], info["max-deleted-entry-id"]), (5, 9, "1-3"), "XINFO STREAM")
        equal((info["first-entry"], info["last-entry"]), (("1-5", {"n": "5"}), ("3-2", {"n": "9"})), "its ends")

    def nack(self):
        """Released entries keep id and place, lose their owner, and are first in line for the next claim."""
        equal = self.checks.equal
        for n in range(1, 6):
            self.redis.xadd("jobs", {"n": str(n)}, id=f"1-{n}")
        self.redis.xgroup_create("jobs", GROUP, id="0")
        self.redis.xreadgroup(GROUP, "alice", {"jobs": ">"}, count=4)
        equal(self.redis.xnack("jobs", GROUP, "FAIL", "1-3"), 1, "XNACK FAIL")
        equal(self.redis.xnack("jobs", GROUP, "SILENT", "1-1"), 1, "XNACK SILENT")
        equal(self.redis.xnack("jobs", GROUP, "FATAL", "1-2", "9-9"), 1, "XNACK FATAL")
        released = [("1-1", "", 0), ("1-2", "", 2**63 - 1), ("1-3", "", 1), ("1-4", "alice", 1)]
        equal(self.pending("jobs"), released, "pending after XNACK")
        idle = [row["time_since_delivered"] for row in self.redis.xpending_range("jobs", GROUP, "-", "1-3", 9)]
        equal(idle, [-1, -1, -1], "idle times of released entries")
        owners = [{"name": "alice", "pending": 1}]
        want = {"pending": 4, "min": "1-1", "max": "1-4", "consumers": owners}
        equal(self.redis.xpending("jobs", GROUP), want, "XPENDING counts them, for no consumer")

    def nack_survives_a_restart(self):
        equal = self.checks.equal
        self.server.restart_and_compare(self.checks, "jobs")
        got = self.redis.xreadgroup(GROUP, "bob", {"jobs": ">"}, claim_min_idle_time=600_000)["jobs"]
        equal([row[0] for row in got], ["1-3", "1-1", "1-2", "1-5"], "released entries in order of release, then new")
        equal([row[3] for row in got], [1, 0, 2**63 - 1, 0], "their delivery counts")
        equal(self.redis.xnack("jobs", GROUP, "FAIL", "1-5", retrycount=7), 1, "XNACK RETRYCOUNT")
        equal(self.redis.xnack("jobs", GROUP, "FAIL", "1-4"), 1, "anyone may release")
        replies = []
        wait = {"block": 15_000, "claim_min_idle_time": 600_000, "count": 1}
        self.redis.xclaim("jobs", GROUP, "bob", 600_000, ["1-4", "1-5"])
        read = self.redis.xreadgroup
        reader = threading.Thread(target=lambda: replies.append(read(GROUP, "carol", {"jobs": ">"}, **wait)), daemon=True)
        reader.start()
        eventually(self.blocked_clients, 1, "a blocked claimer in INFO")
        self.redis.xnack("jobs", GROUP, "FAIL", "1-5")
        reader.join(20)
        equal([row[0] for row in replies[0]["jobs"]], ["1-5"], "XNACK wakes a reader with CLAIM")
        equal(replies[0]["jobs"][0][3], 8, "its delivery count before")


def default_shapes(checks, server):
    """What an application gets that sets nothing: the shape depends on the protocol that was agreed."""
    for protocol, want in [(2, [["s", [("1-1", {"a": "1"})]]]), (3, {"s": [[("1-1", {"a": "1"})]]})]:
        client = redis.Redis(port=server.port, protocol=protocol, decode_responses=True)
        client.flushall()
        client.xadd("s", {"a": "1"}, id="1-1")
        checks.equal(client.xread({"s": "0"}), want, f"XREAD over RESP{protocol}")
        client.close()


def main(checks, server):
    for protocol in (2, 3):
        Cycle(checks, server, protocol).run()
    default_shapes(checks, server)


if __name__ == "__main__":
    run(main)
