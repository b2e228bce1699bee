"""The console's pictures for the documentation: a server with a shop's streams, photographed in a browser.

ACKLINE_BIN=target/release/ackline python tests/e2e/console_images.py docs/images [SECONDS]
"""

import io
import json
import pathlib
import random
import sys
import threading
import time

import redis
from console_browser import Browser, expect
from PIL import Image
from server import Server

ARGS = "serve --port {port} --dir {dir} --admin-port {admin_port} --appendfsync everysec"
WIDTH = 1280
COLOURS = 256
BYTES_MAX = 200_000
# So long the shop runs before it is photographed: curves need some past, and who is silent for less is not yet missed.
RUNS_S = 330
MINUTE_MS = 60_000

GOODS = ["tea", "coffee", "cocoa", "honey", "bread", "jam"]
ERROR = "TimeoutError: payments.example answered nothing within 30 s"


class Shop:
    """Producers and consumers as one sees them in real life: most are well, one consumer has died, one entry is poison."""

    def __init__(self, port):
        self.db = redis.Redis(port=port, client_name="shop")
        self.random = random.Random(7)
        self.number = 4200
        self.ends = threading.Event()

    def order(self):
        self.number += 1
        lines = [{"sku": self.random.choice(GOODS), "quantity": self.random.randint(1, 4)} for _ in range(2)]
        return {"order": self.number, "customer": f"c-{self.random.randint(100, 999)}", "lines": json.dumps(lines)}

    def open(self):
        for stream in ("orders", "payments", "mails", "clicks"):
            for _ in range(200):
                self.db.xadd(stream, self.order())
        for stream, group in [("orders", "shop"), ("orders", "audit"), ("payments", "ledger"), ("mails", "smtp"), ("clicks", "stats")]:
            self.db.xgroup_create(stream, group, "0")
            self.take(stream, group, "ben", 1)
        self.leave_behind()

    def leave_behind(self):
        """What a consumer that died 12 minutes ago holds, an entry that fails each time, and dead letters."""
        held = self.db.xreadgroup("shop", "ann", {"orders": ">"}, count=40)[0][1]
        ids = [id for id, _ in held]
        self.db.xclaim("orders", "shop", "ann", 0, ids, idle=12 * MINUTE_MS, justid=True)
        self.db.xclaim("orders", "shop", "ann", 0, ids[3:4], idle=12 * MINUTE_MS, retrycount=9, justid=True)
        for number in range(17):
            reason = "malformed" if number % 4 == 3 else "max-deliveries"
            error = "missing field `customer`" if reason == "malformed" else ERROR
            self.db.xadd("orders:dead", {**self.order(), **provenance(reason, error, ids[number].decode())})

    def work(self):
        """Some hundred entries a second, which the living consumers acknowledge."""
        while not self.ends.is_set():
            burst = 4 + self.random.randint(0, 6)
            for stream, many in [("orders", burst), ("payments", 3), ("mails", 1), ("clicks", 3 * burst)]:
                for _ in range(many):
                    self.db.xadd(stream, self.order(), maxlen=50_000)
            for stream, group, consumer, many in [
                ("orders", "shop", "ben", 12), ("orders", "shop", "eve", 9), ("payments", "ledger", "ben", 20),
                ("mails", "smtp", "ben", 9), ("clicks", "stats", "ben", 99),
            ]:
                self.take(stream, group, consumer, many)
            self.ends.wait(0.2)

    def take(self, stream, group, consumer, many):
        for _, entries in self.db.xreadgroup(group, consumer, {stream: ">"}, count=many) or []:
            self.db.xack(stream, group, *[id for id, _ in entries])


def provenance(reason, error, id):
    told = {"reason": reason, "error": error, "stream": "orders", "group": "shop", "consumer": "ann", "id": id, "deliveries": 5}
    return {f"dead-letter-{name}": value for name, value in told.items()}


def photograph(person, path, height, target):
    """A page as a palette picture: few colours are enough for text, and a fifth of the size."""
    person.page.set_viewport_size({"width": WIDTH, "height": height})
    person.open(path)
    if person.page.locator("figure").count():
        expect(person.page.locator(".chart-line").first).to_be_attached()
    keep(person, target)


def keep(person, target):
    picture = Image.open(io.BytesIO(person.page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    if target.stat().st_size > BYTES_MAX:
        raise SystemExit(f"{target} has {target.stat().st_size} bytes")
    print(f"{target} {target.stat().st_size} bytes")


def main(target, seconds):
    target.mkdir(parents=True, exist_ok=True)
    with Server(ARGS) as server, Browser() as browser:
        shop = Shop(server.port)
        shop.open()
        worker = threading.Thread(target=shop.work)
        worker.start()
        try:
            light, dark = browser.person(server, color_scheme="light"), browser.person(server, color_scheme="dark")
            # Streams are followed once somebody has looked at them.
            for path in ("/streams", "/streams/orders", "/streams/orders/groups/shop"):
                light.open(path)
            time.sleep(seconds)
            photograph(light, "/", 720, target / "console-overview.png")
            photograph(light, "/streams/orders/groups/shop", 1000, target / "console-group.png")
            photograph(dark, "/streams/orders", 900, target / "console-stream-dark.png")
            photograph(light, "/dead/orders%3Adead", 720, target / "console-dead-letters.png")
            nack(light, target / "console-action.png")
        finally:
            shop.ends.set()
            worker.join()


def nack(person, target):
    """The dialog in which entries are given back, before it is done."""
    person.page.set_viewport_size({"width": WIDTH, "height": 720})
    person.open("/streams/orders/groups/shop?consumer=ann")
    person.button("Give back").first.click()
    expect(person.button("Give back", person.page.get_by_role("dialog"))).to_be_enabled()
    keep(person, target)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else RUNS_S)
