"""The console as people use it, in a real browser: every page, every action, verified over the protocol."""

import json
import os
import re

import redis
from console_browser import Browser, expect
from server import eventually, run

TOKEN = "operate-me"
READ_TOKEN = "look-at-me"
ARGS = (
    "serve --port {port} --dir {dir} --admin-port {admin_port} "
    f"--admin-token {TOKEN} --admin-read-token {READ_TOKEN}"
)
EVIL = '<img src=x onerror="window.pwned = 1"><script>window.pwned = 1</script>'
PAGES = [
    "/",
    "/streams",
    "/streams/orders",
    "/streams/orders/live",
    "/streams/orders/groups/shop",
    "/dead",
    "/dead/orders%3Adead",
    "/clients",
    "/slowlog",
    "/config",
]
# Those that do not ask again by themselves.
UNPOLLED = ["/streams/orders/live", "/dead/orders%3Adead", "/config"]
# Below that a browser's own rounding shows.
SHIFT_MAX = 0.002
HOUR_MS = 3_600_000


def seed(db):
    for number in range(120):
        order = {"order": number, "lines": [{"sku": "A-1", "qty": 2}], "total": 12345678901234567890}
        db.xadd("orders", {"item": ["tea", "coffee"][number % 2], "payload": json.dumps(order)}, id=f"{1000 + number}-0")
    db.xadd("orders", {"item": EVIL, EVIL: "x", b"\xff\x00": bytes(range(256)), "long": "x" * 5000}, id="2000-0")
    db.xgroup_create("orders", "shop", "0")
    db.xreadgroup("shop", "ann", {"orders": ">"}, count=10)
    db.xreadgroup("shop", "bob", {"orders": ">"}, count=3)
    poison = db.xreadgroup("shop", "carl", {"orders": ">"}, count=1)[0][1][0][0]
    db.xclaim("orders", "shop", "carl", 0, [poison], idle=HOUR_MS, retrycount=9, justid=True)
    for number in range(6):
        db.xadd("orders:dead", {"item": f"dead {number}", **provenance(number)}, id=f"{3000 + number}-0")
    for number in range(12):
        db.xadd(f"tenant:{number}:jobs", {"job": number})
    db.xadd(b"bytes\xff/..", {"a": "b"})


def provenance(number):
    told = {
        "reason": "max-deliveries",
        "error": EVIL,
        "stream": "returned",
        "group": "shop",
        "consumer": "ann",
        "id": f"{number}-1",
        "deliveries": 5,
    }
    return {f"dead-letter-{name}": value for name, value in told.items()}


def signing_in(checks, browser, server):
    """Neither a wrong token nor a guess gets anywhere; the right one gets the page that was asked for."""
    someone = browser.person(server)
    someone.log_in(token="wrong")
    expect(someone.page.locator(".login-failure")).not_to_be_empty()
    checks.equal(someone.page.title(), "Sign in · Ackline", "the title while nobody is signed in")
    someone.open("/streams", "Sign in")
    someone.page.get_by_label("Token").fill(TOKEN)
    someone.button("Sign in").click()
    someone.settled("Streams")
    someone.button("Sign out").click()
    someone.settled("Sign in")
    checks.true(True, "signing in and out")
    someone.close()


def overview(checks, me):
    me.open("/", "Overview")
    expect(me.fact("Streams")).to_have_text("15")
    expect(me.row("Groups that need attention", "shop of orders")).to_be_visible()
    expect(me.page.locator("figure.chart")).to_have_count(4)
    expect(me.fact("Clients")).to_contain_text("blocked")
    checks.true(me.fact("appendfsync").inner_text() == "always", "what the server promises")
    me.row("Groups that need attention", "shop of orders").get_by_role("link", name="shop").click()
    me.settled("shop")
    checks.true(me.page.url.endswith("/streams/orders/groups/shop"), "the address of a group")
    me.page.go_back()
    me.settled("Overview")


def streams(checks, me):
    me.open("/streams", "Streams")
    expect(me.rows("Streams")).to_have_count(15)
    me.page.get_by_label("Find streams").fill("tenant:1*")
    expect(me.rows("Streams")).to_have_count(3)
    checks.true("match=tenant%3A1*" in me.page.url, "a search is part of the address")
    me.page.get_by_label("Find streams").fill("order")
    expect(me.rows("Streams")).to_have_count(2)
    me.button("Length").click()
    checks.equal(me.rows("Streams").first.inner_text().split()[0], "orders", "the longest first")
    checks.true("sort=-length" in me.page.url, "the order is part of the address")
    me.open("/streams?match=nothing-like-this")
    expect(me.page.locator(".empty")).to_contain_text("nothing-like-this")
    me.open("/streams?db=3")
    expect(me.page.locator(".empty code")).to_contain_text("XADD")
    me.open("/streams")
    me.page.get_by_role("link", name=r"bytes\xff/..").click()
    me.settled(r"bytes\xff/..")
    checks.true(me.page.url.endswith("/streams/%62%79%74%65%73%ff%2f%2e%2e"), "a key that is no text has an address")


def entries(checks, me, db):
    me.open("/streams/orders", "orders")
    rows = me.rows("Entries")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("2000-0")
    older = me.page.get_by_role("link", name="Older")
    older.click()
    expect(rows.first).to_contain_text("1070-0")
    me.page.get_by_role("link", name="Older").click()
    expect(rows.first).to_contain_text("1020-0")
    expect(rows).to_have_count(21)
    me.page.get_by_role("link", name="Newer").click()
    expect(rows.first).to_contain_text("1070-0")
    checks.equal(rows.count(), 50, "a page reached from its older side")
    me.page.get_by_label("Contains").fill('"order": 77,')
    me.button("Search").click()
    expect(rows).to_have_count(1)
    me.open("/streams/orders?field=item&value=coffee")
    checks.equal(rows.count(), 50, "entries found by a field")
    me.open("/streams/orders?since=1100&until=1104")
    checks.equal(rows.count(), 5, "entries found by time")
    me.open("/streams/orders?contains=nothing-like-this")
    expect(me.page.locator(".empty")).to_contain_text("No entry matches")
    payloads(checks, me)
    changes(checks, me, db)


def payloads(checks, me):
    """What a stream holds is shown, and nothing else happens."""
    me.open("/streams/orders")
    row = me.row("Entries", "2000-0")
    row.locator("summary").click()
    full = row.locator(".entry-full")
    expect(full).to_contain_text(EVIL)
    expect(full).to_contain_text(r"\xff\x00")
    expect(full).to_contain_text(r"\xfe\xff")
    me.button("Show all", full).first.click()
    checks.equal(me.evaluate("window.pwned"), None, "a payload that is markup")
    checks.equal(me.page.locator("main img").count(), 0, "images in the page")
    me.open("/streams/orders?contains=\"order\": 5,")
    me.page.locator("main summary").click()
    expect(me.page.locator(".entry-full pre").nth(1)).to_contain_text('  "total": 12345678901234567890')
    checks.true(True, "JSON is indented, and its numbers are as they were")


def changes(checks, me, db):
    me.open("/streams/orders")
    me.row("Entries", "1119-0").locator("summary").click()
    me.button("Copy as new", me.row("Entries", "1119-0")).click()
    dialog = me.page.get_by_role("dialog")
    checks.equal(dialog.get_by_label("Field").first.input_value(), "item", "the fields of the entry that was copied")
    dialog.get_by_label("Value").first.fill(r"cake\x00\n")
    command = me.confirm("Add")
    checks.true(command.startswith("XADD orders * item"), f"the command that adds: {command}")
    added = db.xrevrange("orders", count=1)[0]
    checks.equal(added[1][b"item"], b"cake\x00\n", "what was added")
    me.settled()
    me.row("Entries", added[0].decode()).get_by_role("checkbox").check()
    me.button("Delete selected").click()
    checks.equal(me.confirm("Delete"), f"XDEL orders {added[0].decode()}", "the command that deletes")
    checks.equal(db.xlen("orders"), 121, "entries after one was deleted")
    me.button("Trim").click()
    expect(me.page.get_by_role("dialog").locator(".matched")).to_contain_text("0 entries")
    me.page.get_by_role("dialog").locator("[name=limit]").fill("119")
    expect(me.page.get_by_role("dialog").locator(".matched")).to_contain_text("2 entries of 121")
    me.confirm("Trim")
    checks.equal(db.xrange("orders", count=1)[0][0], b"1002-0", "the first entry after trimming")
    me.open("/streams/tenant%3A0%3Ajobs")
    me.button("Delete").click()
    me.confirm("Delete the stream")
    me.settled("Streams")
    checks.equal(db.exists("tenant:0:jobs"), 0, "a stream that was deleted")


def live_tail(checks, me, db):
    me.open("/streams/orders", "orders")
    me.page.get_by_role("link", name="Live tail").click()
    me.settled("Live tail")
    expect(me.page.locator(".tail-status")).to_contain_text("Live")
    db.xadd("orders", {"live": "first"})
    expect(me.page.locator(".tail li")).to_have_count(1)
    me.page.keyboard.press("p")
    expect(me.button("Resume")).to_be_visible()
    for number in range(1005):
        db.xadd("orders", {"live": number})
    expect(me.page.locator(".tail-status")).to_contain_text("1,000 waiting")
    expect(me.page.locator(".tail-status")).to_contain_text("5 not shown")
    checks.equal(me.page.locator(".tail li").count(), 1, "entries shown while it is paused")
    me.button("Resume").click()
    expect(me.page.locator(".tail li")).to_have_count(1000)
    expect(me.page.locator(".tail li").last).to_be_in_viewport()
    me.open("/streams/orders/live?contains=only-this", "Live tail")
    expect(me.page.locator(".tail-status")).to_contain_text("Live")
    db.xadd("orders", {"live": "other"})
    db.xadd("orders", {"live": "only-this"})
    expect(me.page.locator(".tail li")).to_have_count(1)
    checks.true("only-this" in me.text(".tail"), "a tail that filters")


def groups(checks, me, db):
    me.open("/streams/orders")
    me.button("Create group").click()
    me.page.get_by_role("dialog").locator("[value='$']").check()
    command = me.confirm("Create", {"group": "audit"})
    checks.equal(command, "XGROUP CREATE orders audit $", "the command that creates")
    me.settled("audit")
    expect(me.fact("Lag")).to_have_text("0")
    me.button("Move").click()
    me.page.get_by_role("dialog").locator("[value='id']").check()
    checks.equal(me.confirm("Move", {"start-id": "1050-0"}), "XGROUP SETID orders audit 1050-0", "the command that moves")
    checks.equal(group(db, "audit")["last-delivered-id"], b"1050-0", "a group that was moved")
    me.settled("audit")
    me.button("Delete").click()
    me.confirm("Delete the group")
    me.settled("orders")
    checks.equal(len(db.xinfo_groups("orders")), 1, "groups after one was deleted")


def group(db, name):
    return next(row for row in db.xinfo_groups("orders") if row["name"] == name.encode())


def pending(checks, me, db):
    me.open("/streams/orders/groups/shop", "shop")
    rows = me.rows("Pending entries")
    expect(rows).to_have_count(14)
    expect(rows.first).to_contain_text("1000-0")
    me.page.locator("[name=consumer]").fill("bob")
    me.button("Filter").click()
    expect(rows).to_have_count(3)
    me.open("/streams/orders/groups/shop?min_deliveries=5")
    expect(rows).to_have_count(1)
    me.open("/streams/orders/groups/shop?min_idle=30min")
    expect(rows).to_have_count(1)
    checks.true("carl" in rows.first.inner_text(), "the entry that is too old")
    settle(checks, me, db)
    by_filter(checks, me, db)


def settle(checks, me, db):
    me.open("/streams/orders/groups/shop")
    for id in ("1002-0", "1003-0"):
        me.page.get_by_label(f"Select {id}").check()
    expect(me.page.locator(".scope")).to_have_text("2 entries selected")
    me.button("Acknowledge").first.click()
    checks.equal(me.confirm("Acknowledge"), "XACK orders shop 1002-0 1003-0", "the command that acknowledges")
    checks.equal(db.xpending("orders", "shop")["pending"], 12, "pending entries after two were acknowledged")
    me.settled()
    me.page.get_by_label("Select 1004-0").check()
    me.button("Give back").first.click()
    me.page.get_by_role("dialog").locator("[value=FATAL]").check()
    checks.equal(me.confirm("Give back"), "XNACK orders shop FATAL IDS 1 1004-0", "the command that gives back")
    me.settled()
    expect(me.row("Pending entries", "1004-0")).to_contain_text("fatal")
    expect(me.row("Pending entries", "1004-0")).to_contain_text("released")


def by_filter(checks, me, db):
    me.open("/streams/orders/groups/shop?consumer=bob")
    me.button("Claim").first.click()
    dialog = me.page.get_by_role("dialog")
    checks.true(me.button("Claim", dialog).is_disabled(), "a claim for nobody cannot be sent")
    command = me.confirm("Claim", {"consumer": "dora"})
    checks.true(command.startswith("XCLAIM orders shop dora"), f"the command that claims: {command}")
    checks.equal(len(db.xpending_range("orders", "shop", "-", "+", 50, "dora")), 3, "entries of who claimed them")
    me.open("/streams/orders/groups/shop")
    me.button("Release what dora holds").click()
    me.confirm("Release")
    checks.equal(len(db.xpending_range("orders", "shop", "-", "+", 50, "dora")), 0, "entries after they were released")
    me.settled()
    me.button("Delete consumer carl").click()
    expect(me.page.get_by_role("dialog").locator(".loss")).to_be_visible()
    me.confirm("Delete")
    me.settled()
    me.button("Delete consumer bob").click()
    expect(me.page.get_by_role("dialog").locator(".loss")).to_have_text("Nothing is lost.")
    me.confirm("Delete")
    names = {row["name"] for row in db.xinfo_consumers("orders", "shop")}
    checks.equal(names & {b"bob", b"carl"}, set(), "consumers that were deleted")
    checks.equal(db.xpending("orders", "shop")["pending"], 12, "its entries went back")


def findings(checks, me):
    me.open("/streams/orders/groups/shop", "shop")
    expect(me.page.locator(".finding").first).to_be_visible()
    expect(me.page.locator(".finding .command").first).to_be_visible()
    checks.true(me.page.locator(".finding h3").first.inner_text(), "a finding says what it is")


def dead_letters(checks, me, db):
    me.open("/dead", "Dead letters")
    expect(me.row("Streams of dead letters", "orders:dead")).to_contain_text("max-deliveries 6")
    me.page.get_by_role("link", name="orders:dead").click()
    rows = me.rows("Dead letters")
    expect(rows).to_have_count(6)
    expect(rows.first).to_contain_text(EVIL)
    rows.first.locator("summary").click()
    me.button("Redrive", rows.first).click()
    command = me.confirm("Redrive")
    checks.true("XADD returned" in command and "XDEL orders:dead" in command, f"the commands of a redrive: {command}")
    checks.equal(db.xrange("returned")[0][1], {b"item": b"dead 5"}, "what went back is as it was")
    me.settled()
    expect(rows).to_have_count(5)
    me.button("Redrive").first.click()
    me.confirm("Redrive", {"limit": "4"})
    checks.equal((db.xlen("returned"), db.xlen("orders:dead")), (5, 1), "a redrive with a limit")
    me.settled()
    me.page.get_by_label("Select all").check()
    me.button("Delete selected").click()
    me.confirm("Delete")
    expect(me.page.locator(".empty")).to_be_visible()
    checks.equal(me.evaluate("window.pwned"), None, "provenance that is markup")


def server_pages(checks, me, db, server):
    victim = redis.Redis(port=server.port, client_name="victim", retry=None)
    victim.ping()
    me.open("/clients", "Clients")
    me.button(re.compile("^Kill client"), me.row("Clients", "victim")).click()
    me.confirm("Kill")
    expect(me.row("Clients", "victim")).to_have_count(0)
    me.open("/config", "Configuration")
    me.page.keyboard.press("/")
    me.page.keyboard.type("slowlog-log")
    expect(me.rows("Configuration")).to_have_count(1)
    me.button("Change slowlog-log-slower-than").click()
    command = me.confirm("Change", {"value": "0"})
    checks.equal(command, "CONFIG SET slowlog-log-slower-than 0", "the command that configures")
    checks.equal(db.config_get("slowlog-log-slower-than"), {"slowlog-log-slower-than": "0"}, "the configuration")
    db.xlen("orders")
    db.config_set("slowlog-log-slower-than", 10_000_000)
    me.open("/slowlog", "Slow log")
    expect(me.row("Slow commands", "XLEN orders").first).to_be_visible()
    me.button("Empty the slow log").click()
    me.confirm("Empty")
    expect(me.page.locator(".empty")).to_be_visible()
    checks.equal(db.slowlog_get(), [], "the slow log")
    db.xadd("passing", {"a": "b"})
    me.open("/streams/passing", "passing")
    db.delete("passing")
    expect(me.page.locator(".banner")).to_contain_text("no longer current")
    me.open("/no/such/page", "Not found")
    me.open("/streams/no-such-stream", "Not found")
    expect(me.page.get_by_role("alert").locator("visible=true")).to_contain_text("no such key")


def readers(checks, browser, server):
    """Who may only look is shown everything and offered nothing."""
    reader = browser.person(server)
    reader.log_in(token=READ_TOKEN)
    for path in PAGES[1:]:
        reader.open(path)
        offered = reader.page.locator("main button.danger, main button.primary:not(.pause), main .bulk button").count()
        checks.equal(offered, 0, f"actions offered to a reader on {path}")
    reader.open("/streams/orders/groups/shop")
    expect(reader.page.locator(".note")).to_contain_text("look but not change")
    checks.equal(reader.errors, [], "errors of a reader's browser")
    reader.close()


def keyboard(checks, me):
    me.open("/", "Overview")
    me.page.keyboard.press("Tab")
    checks.equal(me.evaluate("document.activeElement.className"), "skip", "the first stop is the skip link")
    me.page.keyboard.press("Enter")
    checks.equal(me.evaluate("document.activeElement.id"), "main", "the skip link skips")
    me.page.keyboard.press("g")
    me.page.keyboard.press("s")
    me.settled("Streams")
    me.page.keyboard.press("/")
    checks.equal(me.evaluate("document.activeElement.type"), "search", "/ goes to the search")
    me.page.keyboard.type("g s ?")
    checks.equal(me.evaluate("document.activeElement.value"), "g s ?", "in a field letters are letters")
    me.page.locator("[type=search]").fill("")
    me.page.keyboard.press("Escape")
    me.rows("Streams").first.get_by_role("link").first.focus()
    me.page.keyboard.press("j")
    second = me.rows("Streams").nth(1).get_by_role("link").first
    expect(second).to_be_focused()
    outline = me.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    checks.equal(outline, "solid", "what has the focus is marked")
    me.page.keyboard.press("Enter")
    expect(me.page.locator("main h1")).not_to_have_text("Streams")
    me.page.keyboard.press("?")
    dialog = me.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    me.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    dialogs_hold_the_focus(checks, me)


def dialogs_hold_the_focus(checks, me):
    me.settled()
    me.page.keyboard.press("n")
    expect(me.page.get_by_role("dialog")).to_be_visible()
    inside = set()
    for _ in range(15):
        me.page.keyboard.press("Tab")
        inside.add(me.evaluate("document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"))
    checks.equal(inside, {True}, "the focus stays in the dialog")
    me.page.keyboard.press("Escape")
    expect(me.page.get_by_role("dialog")).to_have_count(0)


def nothing_moves(checks, me, db):
    """Each page while streams grow: it has asked again, and nothing has changed its place."""
    for path in PAGES:
        me.open(path)
        db.xadd("orders", {"item": "while somebody looks"})
        if path not in UNPOLLED:
            me.page.wait_for_event("response", lambda response: "/series" not in response.url)
        watched = me.evaluate("window.watched")
        checks.true(watched["shift"] <= SHIFT_MAX, f"{path} does not move: {watched['shift']}")
        checks.equal(watched["refused"], [], f"{path} needs nothing that the content policy refuses")


def small_screens(checks, browser, server):
    """A phone, and a window at 200 %."""
    phone = browser.person(server, color_scheme="dark", reduced_motion="reduce")
    phone.log_in(token=TOKEN)
    for width in (360, 640):
        phone.page.set_viewport_size({"width": width, "height": 780})
        for path in PAGES:
            phone.open(path)
            over = phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            checks.true(over <= 0, f"{path} is no wider than {width}: {over}")
    phone.close()


def themes(checks, me):
    background = "getComputedStyle(document.body).backgroundColor"
    me.page.emulate_media(color_scheme="light")
    me.open("/streams")
    light = me.evaluate(background)
    me.page.emulate_media(color_scheme="dark")
    dark = me.evaluate(background)
    checks.true(light != dark, "dark is not light")
    me.page.keyboard.press("t")
    checks.equal(me.evaluate(background), light, "the switch beats the system")
    me.page.reload()
    me.settled()
    checks.equal(me.evaluate(background), light, "the choice is kept")
    me.page.keyboard.press("t")
    me.page.keyboard.press("t")
    checks.equal(me.evaluate("document.documentElement.dataset.theme"), None, "back to the system's")


def gone_and_back(checks, me, server):
    """The server is killed and comes back; the console says so, and notices by itself."""
    me.open("/streams", "Streams")
    banner = me.page.locator(".banner")
    me.page.route("**/api/v1/**", lambda route: route.fulfill(
        status=503, json={"error": {"code": "LOADING", "message": "LOADING Redis is loading the dataset in memory"}}))
    expect(banner).to_contain_text("loading its data")
    me.page.unroute("**/api/v1/**")
    expect(banner).to_be_hidden()
    server.kill()
    expect(banner).to_contain_text("cannot be reached")
    server.start()
    expect(banner).to_be_hidden()
    # Sessions are in memory: whoever was signed in is asked again.
    me.settled("Sign in")
    checks.true(True, "the server went and came back")


def main(checks, server):
    db = redis.Redis(port=server.port)
    seed(db)
    with Browser() as browser:
        signing_in(checks, browser, server)
        me = browser.person(server)
        me.log_in(token=TOKEN)
        me.settled("Overview")
        overview(checks, me)
        streams(checks, me)
        findings(checks, me)
        entries(checks, me, db)
        pending(checks, me, db)
        groups(checks, me, db)
        live_tail(checks, me, db)
        dead_letters(checks, me, db)
        server_pages(checks, me, db, server)
        readers(checks, browser, server)
        keyboard(checks, me)
        nothing_moves(checks, me, db)
        small_screens(checks, browser, server)
        themes(checks, me)
        checks.equal(me.errors, [], "errors of the browser")
        gone_and_back(checks, me, server)


if __name__ == "__main__":
    run(main, ARGS)
