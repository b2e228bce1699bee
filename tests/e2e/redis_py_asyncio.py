"""redis-py with asyncio, over RESP2 and RESP3: several workers of one group at once, one of which dies."""

import asyncio

import redis
import redis.asyncio

from server import PEER, run

KEY = "orders"
GROUP = "workers"
IDS = [f"1-{n}" for n in range(1, 13)]


class Cycle:
    def __init__(self, checks, server, protocol):
        self.checks = checks
        self.server = server
        self.protocol = protocol
        self.redis = self.client()

    def client(self, **options):
        return redis.asyncio.Redis(
            port=self.server.port,
            protocol=self.protocol,
            legacy_responses=False,
            decode_responses=True,
            socket_timeout=20,
            **options,
        )

    async def run(self):
        await self.redis.flushall()
        await self.produce_and_wake_all()
        await self.restart()
        await self.one_worker_dies()
        await self.take_over()
        await self.restart()
        await self.restart_under_a_blocked_reader()
        await self.transaction()
        await self.restart()
        if not PEER:
            await self.nack()
        await self.redis.aclose()

    async def restart(self, key=KEY):
        await asyncio.to_thread(self.server.restart_and_compare, self.checks, key)

    async def pending(self, key=KEY):
        rows = await self.redis.xpending_range(key, GROUP, "-", "+", 100)
        return [(row["message_id"], row["consumer"], row["times_delivered"]) for row in rows]

    async def read(self, client, consumer, key=KEY, **options):
        reply = await client.xreadgroup(GROUP, consumer, {key: ">"}, **options)
        return reply.get(key, [])

    async def blocked(self, number):
        """Waits until that many clients are blocked."""
        async with asyncio.timeout(20):
            while (await self.redis.info("clients"))["blocked_clients"] != number:
                await asyncio.sleep(0.02)

    async def produce_and_wake_all(self):
        """Three readers wait; one transaction of twelve entries serves them in the order in which they came."""
        equal = self.checks.equal
        equal(await self.redis.xgroup_create(KEY, GROUP, mkstream=True), True, "XGROUP CREATE MKSTREAM")
        tasks, clients = [], []
        for number, name in enumerate(["alice", "bob", "carol"]):
            clients.append(self.client())
            tasks.append(asyncio.create_task(self.read(clients[-1], name, count=4, block=15_000)))
            await self.blocked(number + 1)
        async with self.redis.pipeline(transaction=True) as pipe:
            for id in IDS:
                pipe.xadd(KEY, {"n": id}, id=id)
            equal(await pipe.execute(), IDS, "XADD in MULTI")
        batches = [[row[0] for row in batch] for batch in await asyncio.gather(*tasks)]
        equal(batches, [IDS[:4], IDS[4:8], IDS[8:]], "what each of the blocked readers got")
        for client in clients:
            await client.aclose()
        equal([owner for _, owner, _ in await self.pending()], ["alice"] * 4 + ["bob"] * 4 + ["carol"] * 4, "owners")

    async def one_worker_dies(self):
        """Two workers finish what they hold; bob's connection goes away in the middle of his."""
        equal = self.checks.equal

        async def finish(name, limit):
            client = self.client(single_connection_client=True)
            [(_, rows)] = (await client.xreadgroup(GROUP, name, {KEY: "0"})).items()
            for id, fields in rows[:limit]:
                equal(fields, {"n": id}, f"{name}'s entry {id}")
                equal(await client.xack(KEY, GROUP, id), 1, f"XACK {id}")
            await client.aclose()

        await asyncio.gather(finish("alice", 4), finish("bob", 1), finish("carol", 4))
        equal(await self.pending(), [(id, "bob", 2) for id in IDS[5:8]], "what bob left behind")

    async def take_over(self):
        equal = self.checks.equal
        got = await self.redis.xautoclaim(KEY, GROUP, "dave", 0, count=1)
        equal(got, [IDS[6], [(IDS[5], {"n": IDS[5]})], []], "XAUTOCLAIM")
        got = await self.redis.xclaim(KEY, GROUP, "erin", 0, [IDS[6]], idle=5_000, retrycount=9)
        equal(got, [(IDS[6], {"n": IDS[6]})], "XCLAIM")
        [row] = await self.redis.xpending_range(KEY, GROUP, IDS[6], IDS[6], 1)
        self.checks.true(5_000 <= row["time_since_delivered"] < 60_000, "the idle time that XCLAIM set")
        equal(row["times_delivered"], 9, "the delivery count that XCLAIM set")
        got = await self.read(self.redis, "frank", claim_min_idle_time=3_000)
        equal([(row[0], row[3]) for row in got], [(IDS[6], 9)], "CLAIM takes only what is idle long enough")

        names = [row["name"] for row in await self.redis.xinfo_consumers(KEY, GROUP)]
        equal(names, ["alice", "bob", "carol", "dave", "erin", "frank"], "XINFO CONSUMERS")
        equal(await self.redis.xgroup_delconsumer(KEY, GROUP, "bob"), 1, "DELCONSUMER bob")
        equal(await self.redis.xgroup_delconsumer(KEY, GROUP, "carol"), 0, "DELCONSUMER carol")
        equal(await self.pending(), [(IDS[5], "dave", 3), (IDS[6], "frank", 10)], "pending after the clean-up")

    async def restart_under_a_blocked_reader(self):
        """The connection of a blocked reader breaks with the server; the next read finds the group as it was."""
        equal = self.checks.equal
        reader = self.client(single_connection_client=True, retry=None)
        waiting = asyncio.create_task(self.read(reader, "dave", block=15_000))
        await self.blocked(1)
        await asyncio.to_thread(self.server.kill)
        try:
            got = await waiting
        except redis.ConnectionError:
            got = "connection error"
        equal(got, "connection error", "a blocked read when the server dies")
        await asyncio.to_thread(self.server.start)
        await reader.aclose()
        equal(await self.redis.xadd(KEY, {"n": "2-1"}, id="2-1"), "2-1", "XADD after the crash")
        equal(await self.read(self.redis, "dave", block=15_000), [("2-1", {"n": "2-1"})], "read after the crash")

    async def transaction(self):
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.xack(KEY, GROUP, "2-1", IDS[5])
            pipe.xadd("done", {"id": "2-1"}, id="1-1")
            pipe.xackdel(KEY, GROUP, IDS[6])
            pipe.xpending(KEY, GROUP)
            replies = await pipe.execute()
        nothing = {"pending": 0, "min": None, "max": None, "consumers": []}
        self.checks.equal(replies, [2, "1-1", [1], nothing], "acknowledge and pass on in one MULTI")
        self.checks.equal(await self.redis.xlen(KEY), 12, "XACKDEL removed the entry")

    async def nack(self):
        equal = self.checks.equal
        await self.redis.xgroup_create("jobs", GROUP, id="0", mkstream=True)
        for n in range(1, 4):
            await self.redis.xadd("jobs", {"n": str(n)}, id=f"1-{n}")
        await self.read(self.redis, "alice", key="jobs")
        other = self.client()
        waiting = asyncio.create_task(
            self.read(other, "bob", key="jobs", block=15_000, claim_min_idle_time=600_000)
        )
        await self.blocked(1)
        equal(await self.redis.xnack("jobs", GROUP, "FAIL", "1-3", "1-1"), 2, "XNACK")
        got = await waiting
        equal([(row[0], row[3]) for row in got], [("1-3", 1), ("1-1", 1)], "XNACK wakes a reader with CLAIM")
        equal(await self.redis.execute_command("XNACK", "jobs", GROUP, "SILENT", "IDS", 1, "1-2"), 1, "XNACK SILENT")
        want = [("1-1", "bob", 2), ("1-2", "", 0), ("1-3", "bob", 2)]
        equal(await self.pending("jobs"), want, "pending after XNACK")
        await self.restart("jobs")
        equal(await self.redis.xack("jobs", GROUP, "1-2"), 1, "XACK of a released entry")
        await other.aclose()


async def cycles(checks, server):
    for protocol in (2, 3):
        await Cycle(checks, server, protocol).run()


def main(checks, server):
    asyncio.run(cycles(checks, server))


if __name__ == "__main__":
    run(main)
