"""A FastStream app with a consumer group: what each way of acknowledging leaves pending, and who picks it up."""

import asyncio
import logging
import time
import warnings

from faststream import AckPolicy, FastStream
from faststream.exceptions import AckMessage, NackMessage, RejectMessage
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.annotations import Redis, RedisMessage, RedisStreamMessage

from server import run

STREAM = "test-stream"
GROUP = "test-group"


class App:
    """An app of one subscriber that handles messages as it is told to, and keeps what it saw."""

    def __init__(self, server, handle, *, consumer="1", policy=None, **options):
        self.broker = RedisBroker(f"redis://127.0.0.1:{server.port}", logger=None)
        self.app = FastStream(self.broker, logger=None)
        self.seen = []
        extra = {} if policy is None else {"ack_policy": policy}
        sub = StreamSub(STREAM, group=GROUP, consumer=consumer, **options)

        @self.broker.subscriber(stream=sub, **extra)
        async def base_handler(body: dict, msg: RedisMessage, redis: Redis):
            self.seen.append(body)
            await handle(msg, redis)

    async def __aenter__(self):
        await self.app.start()
        return self

    async def __aexit__(self, *_error):
        await self.app.stop()

    async def saw(self, *bodies):
        await until(lambda: self.seen, list(bodies), "messages that the handler saw")


async def until(probe, want, what):
    deadline = time.monotonic() + 30
    while (got := probe()) != want:
        if len(got) > len(want) or time.monotonic() > deadline:
            raise AssertionError(f"{what}\n  got:  {got!r}\n  want: {want!r}")
        await asyncio.sleep(0.02)


def pending(server):
    """(total, owner and delivery count of each)"""
    rows = server.raw("XPENDING", STREAM, GROUP, "-", "+", 100)
    return [(owner.decode(), count) for _id, owner, _idle, count in rows]


async def ack(msg, redis):
    await msg.ack()


async def ack_with_client(msg, redis):
    with warnings.catch_warnings(action="ignore"):  # deprecated, but the documentation's example for years
        await msg.ack(redis)


async def nack(msg, redis):
    await msg.nack()


async def reject(msg, redis):
    await msg.reject()


async def nothing(msg, redis):
    pass


async def fail(msg, redis):
    raise ValueError("a failure of the handler")


async def raise_ack(msg, redis):
    raise AckMessage


async def raise_nack(msg, redis):
    raise NackMessage


async def raise_reject(msg, redis):
    raise RejectMessage


# name, what the handler does, the policy (None: the default), entries left pending
CASES = [
    ("msg.ack()", ack, None, 0),
    ("msg.ack(redis)", ack_with_client, None, 0),
    ("msg.nack()", nack, None, 1),
    ("msg.reject()", reject, None, 1),
    ("AckMessage", raise_ack, None, 0),
    ("NackMessage", raise_nack, None, 1),
    ("RejectMessage", raise_reject, None, 1),
    ("default policy, success", nothing, None, 0),
    ("default policy, failure", fail, None, 1),
    ("ACK_FIRST, failure", fail, AckPolicy.ACK_FIRST, 0),
    ("ACK, failure", fail, AckPolicy.ACK, 0),
    ("REJECT_ON_ERROR, failure", fail, AckPolicy.REJECT_ON_ERROR, 1),
    ("NACK_ON_ERROR, success", nothing, AckPolicy.NACK_ON_ERROR, 0),
    ("NACK_ON_ERROR, failure", fail, AckPolicy.NACK_ON_ERROR, 1),
    ("MANUAL, no acknowledgement", nothing, AckPolicy.MANUAL, 1),
    ("MANUAL, msg.ack()", ack, AckPolicy.MANUAL, 0),
]


async def acknowledgements(checks, server):
    for name, handle, policy, left in CASES:
        server.raw("FLUSHALL")
        async with App(server, handle, policy=policy) as app:
            await app.broker.publish({"case": name}, stream=STREAM)
            await app.saw({"case": name})
        checks.equal(pending(server), [("1", 1)] * left, f"pending after {name}")
        checks.equal(server.raw("XLEN", STREAM), 1, f"entries after {name}")


async def nacked_is_picked_up(checks, server):
    """What was nacked outlives crash and restart of the server; a subscriber with min_idle_time takes it over."""
    server.raw("FLUSHALL")
    async with App(server, nack) as app:
        for n in range(3):
            await app.broker.publish({"n": n}, stream=STREAM)
        await app.saw({"n": 0}, {"n": 1}, {"n": 2})
    checks.equal(pending(server), [("1", 1)] * 3, "pending after msg.nack()")
    server.restart_and_compare(checks, STREAM)

    async with App(server, nothing, consumer="2", min_idle_time=50, policy=AckPolicy.MANUAL) as app:
        await until(lambda: app.seen[:3], [{"n": 0}, {"n": 1}, {"n": 2}], "claimed messages")
    left = pending(server)
    checks.equal([owner for owner, _ in left], ["2"] * 3, "owners after the claim")
    checks.true(all(count >= 2 for _, count in left), "a claim counts as a delivery")
    async with App(server, ack, consumer="3", min_idle_time=0) as app:
        await app.saw({"n": 0}, {"n": 1}, {"n": 2})
    checks.equal(pending(server), [], "nothing is pending once the claimer acknowledged")
    names = [row[1] for row in server.raw("XINFO", "CONSUMERS", STREAM, GROUP)]
    checks.equal(names, [b"1", b"2", b"3"], "consumers")
    checks.equal(server.raw("XGROUP", "DELCONSUMER", STREAM, GROUP, "1"), 0, "XGROUP DELCONSUMER")


async def claim_while_reading(checks, server):
    """One subscriber that reads what is new and claims what is stale (XREADGROUP ... CLAIM)."""
    server.raw("FLUSHALL")
    broker = RedisBroker(f"redis://127.0.0.1:{server.port}", logger=None)
    app = FastStream(broker, logger=None)
    counts = []

    @broker.subscriber(stream=StreamSub(STREAM, group=GROUP, consumer="1", claim_min_idle_time=50))
    async def retried(body: dict, msg: RedisStreamMessage):
        counts.append(await msg.get_delivery_count())
        if len(counts) < 3:
            raise NackMessage

    await app.start()
    await broker.publish({"n": 1}, stream=STREAM)
    await until(lambda: counts, [1, 2, 3], "delivery counts")
    await app.stop()
    checks.equal(counts, [1, 2, 3], "delivery counts that the handler saw")
    checks.equal(pending(server), [], "nothing is pending after the third try")


async def batches_and_replies(checks, server):
    server.raw("FLUSHALL")
    broker = RedisBroker(f"redis://127.0.0.1:{server.port}", logger=None)
    app = FastStream(broker, logger=None)
    batches, replies = [], []

    @broker.subscriber(stream=StreamSub(STREAM, group=GROUP, consumer="1", batch=True, max_records=10))
    @broker.publisher(stream="replies")
    async def batch(bodies: list[int]) -> int:
        batches.append(bodies)
        return sum(bodies)

    @broker.subscriber(stream=StreamSub("replies", group=GROUP, consumer="1"))
    async def reply(body: int):
        replies.append(body)

    for n in (1, 2, 3):
        server.raw("XADD", STREAM, "*", "__data__", n)
    for stream in (STREAM, "replies"):
        checks.equal(server.raw("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM"), b"OK", "a group before the app")
    await app.start()
    await until(lambda: replies, [6], "the reply to a batch")
    await app.stop()
    checks.equal(batches, [[1, 2, 3]], "one batch of all that was there")
    checks.equal(pending(server), [], "a batch is acknowledged as a whole")


async def server_dies_under_the_app(checks, server):
    """The app keeps its subscription: it reads on once the server is back, and nothing is lost."""
    server.raw("FLUSHALL")
    async with App(server, ack) as app:
        await app.broker.publish({"n": 1}, stream=STREAM)
        await app.saw({"n": 1})
        await until(lambda: [len(pending(server))], [0], "its acknowledgement")
        server.kill()
        server.start()
        server.raw("XADD", STREAM, "*", "__data__", '{"n": 2}')
        await until(lambda: app.seen[-1:], [{"n": 2}], "the message after the crash")
    checks.equal(pending(server), [], "both are acknowledged")
    checks.equal(app.seen.count({"n": 2}), 1, "the message after the crash is delivered once")


async def scenarios(checks, server):
    await acknowledgements(checks, server)
    await nacked_is_picked_up(checks, server)
    await claim_while_reading(checks, server)
    await batches_and_replies(checks, server)
    await server_dies_under_the_app(checks, server)


def main(checks, server):
    logging.disable(logging.CRITICAL)
    asyncio.run(scenarios(checks, server))


if __name__ == "__main__":
    run(main)
