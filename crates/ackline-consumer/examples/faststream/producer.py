"""Publishes orders with FastStream: producer.py URL COUNT"""

import asyncio
import sys

from faststream.redis import RedisBroker


async def main(url, count):
    async with RedisBroker(url, logger=None) as broker:
        for number in range(1, count + 1):
            order = {"number": number, "item": "tea"}
            await broker.publish(order, stream="fleet.orders", correlation_id=f"order-{number}", headers={"tenant": "north"})


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
