"""Consumes shipments with FastStream: consumer.py URL COUNT

Prints a line once it is ready and one for each message; ends after COUNT of them. Fails at shipment 4, which FastStream
leaves pending, as every failure.
"""

import asyncio
import json
import sys

from faststream.redis import RedisBroker, StreamSub
from faststream.redis.annotations import RedisStreamMessage


async def main(url, count):
    broker = RedisBroker(url, logger=None)
    everything = asyncio.Event()
    seen = 0

    @broker.subscriber(stream=StreamSub("fleet.shipments", group="fleet", consumer="python"))
    async def handle(shipment: dict, msg: RedisStreamMessage):
        nonlocal seen
        seen += 1
        if seen == count:
            everything.set()
        about = [shipment["number"], msg.correlation_id, msg.content_type, msg.headers["tenant"]]
        print(json.dumps(about), flush=True)
        if shipment["number"] == 4:
            raise ValueError("cannot ship 4")

    await broker.start()
    print("ready", flush=True)
    await everything.wait()
    await broker.stop()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
