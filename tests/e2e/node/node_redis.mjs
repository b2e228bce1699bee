// node-redis, over RESP2 and RESP3.

import { createClient } from "redis";
import { PEER, eventually, run } from "./server.mjs";

const KEY = "orders";
const GROUP = "workers";
const NEW = { key: KEY, id: ">" };
const LOW_ID = "ERR The ID specified in XADD is equal or smaller than the target stream top item";

async function connect(server, RESP) {
  const socket = { host: "127.0.0.1", port: server.port, reconnectStrategy: 50 };
  const client = createClient({ RESP, socket });
  client.on("error", () => {}); // it reconnects by itself while the server restarts
  return client.connect();
}

const ids = (reply) => reply[0].messages.map((message) => message.id);

async function pending(redis, key = KEY) {
  const rows = await redis.xPendingRange(key, GROUP, "-", "+", 100);
  return rows.map((row) => [row.id, row.consumer, row.deliveriesCounter]);
}

async function produce(checks, redis, RESP) {
  const hello = await redis.sendCommand(["HELLO"]);
  const proto = RESP === 3 ? hello.proto : hello[hello.indexOf("proto") + 1];
  checks.equal(proto, RESP, "the protocol of the connection");
  checks.equal(await redis.xGroupCreate(KEY, GROUP, "0", { MKSTREAM: true }), "OK", "XGROUP CREATE");
  await checks.rejects(redis.xGroupCreate(KEY, GROUP, "0"), "BUSYGROUP Consumer Group name already exists");
  checks.equal(await redis.xAdd(KEY, "1-1", { item: "żółć", n: "1" }), "1-1", "XADD");
  const transaction = redis.multi();
  for (let n = 2; n <= 6; n += 1) transaction.xAdd(KEY, `1-${n}`, { n: String(n) });
  checks.equal(await transaction.exec(), ["1-2", "1-3", "1-4", "1-5", "1-6"], "XADD in MULTI");
  await checks.rejects(redis.xAdd(KEY, "1-6", { n: "0" }), LOW_ID);
  checks.equal(await redis.xLen(KEY), 6, "XLEN");
}

async function consume(checks, redis) {
  const messages = [
    { id: "1-1", message: { item: "żółć", n: "1" } },
    { id: "1-2", message: { n: "2" } },
  ];
  const got = await redis.xReadGroup(GROUP, "alice", NEW, { COUNT: 2 });
  checks.equal(got, [{ name: KEY, messages }], "alice's entries");
  checks.equal(ids(await redis.xReadGroup(GROUP, "bob", NEW, { COUNT: 2 })), ["1-3", "1-4"], "bob's entries");
  checks.equal(await redis.xAck(KEY, GROUP, ["1-1", "9-9"]), 1, "XACK");
  const owners = [["1-2", "alice", 1], ["1-3", "bob", 1], ["1-4", "bob", 1]];
  checks.equal(await pending(redis), owners, "pending after XACK");
  const consumers = [
    { name: "alice", deliveriesCounter: 1 },
    { name: "bob", deliveriesCounter: 2 },
  ];
  checks.equal(await redis.xPending(KEY, GROUP), { pending: 3, firstId: "1-2", lastId: "1-4", consumers }, "XPENDING");
}

// bob re-reads what is his and dies with his connection; others take it over.
async function crashAndClaim(checks, server, redis, RESP) {
  const bob = await connect(server, RESP);
  checks.equal(ids(await bob.xReadGroup(GROUP, "bob", { key: KEY, id: "0" })), ["1-3", "1-4"], "bob's own entries");
  bob.destroy();

  const claimed = await redis.xAutoClaim(KEY, GROUP, "carol", 0, "0-0", { COUNT: 1 });
  const messages = [{ id: "1-2", message: { n: "2" } }];
  checks.equal(claimed, { nextId: "1-3", messages, deletedMessages: [] }, "XAUTOCLAIM");
  checks.equal(await redis.xClaim(KEY, GROUP, "carol", 3_600_000, "1-3"), [], "XCLAIM of what is not idle enough");
  checks.equal(await redis.xClaimJustId(KEY, GROUP, "carol", 0, "1-3"), ["1-3"], "XCLAIM JUSTID");

  const reply = await redis.xReadGroup(GROUP, "dave", NEW, { CLAIM: 0 });
  checks.equal(ids(reply), ["1-4", "1-2", "1-3", "1-5", "1-6"], "CLAIM: stale ones, then new ones");
  const counts = reply[0].messages.map((message) => message.deliveriesCounter);
  checks.equal(counts, [2, 2, 2, 0, 0], "previous deliveries that CLAIM reports");
  const owners = [["1-2", 3], ["1-3", 3], ["1-4", 3], ["1-5", 1], ["1-6", 1]].map(([id, n]) => [id, "dave", n]);
  checks.equal(await pending(redis), owners, "pending after CLAIM");
}

async function removeDeadConsumers(checks, redis) {
  const consumers = await redis.xInfoConsumers(KEY, GROUP);
  const counts = consumers.map((row) => [row.name, row.pending]);
  checks.equal(counts, [["alice", 0], ["bob", 0], ["carol", 0], ["dave", 5]], "XINFO CONSUMERS");
  checks.equal(consumers.every((row) => row.idle >= 0), true, "idle times");
  for (const name of ["alice", "bob", "carol"]) {
    checks.equal(await redis.xGroupDelConsumer(KEY, GROUP, name), 0, `DELCONSUMER ${name}`);
  }
  await redis.xClaim(KEY, GROUP, "erin", 0, "1-6");
  checks.equal(await redis.xGroupDelConsumer(KEY, GROUP, "erin"), 1, "DELCONSUMER drops what was pending");
}

async function block(checks, server, redis, RESP) {
  checks.equal(await redis.xReadGroup(GROUP, "dave", NEW, { BLOCK: 20 }), null, "BLOCK that runs out");
  const reader = await connect(server, RESP);
  const waiting = reader.xReadGroup(GROUP, "dave", NEW, { BLOCK: 15_000 });
  await eventually(() => server.blockedClients(), 1, "a blocked client");
  checks.equal(await redis.xAdd(KEY, "2-1", { n: "7" }), "2-1", "XADD that wakes the reader");
  const messages = [{ id: "2-1", message: { n: "7" } }];
  checks.equal(await waiting, [{ name: KEY, messages }], "what the blocked reader got");
  reader.destroy();
}

async function transactions(checks, redis) {
  const [added, read, acked, length] = await redis
    .multi()
    .xAdd(KEY, "3-1", { n: "8" })
    .xReadGroup(GROUP, "dave", NEW)
    .xAck(KEY, GROUP, ["2-1", "3-1"])
    .xLen(KEY)
    .exec();
  checks.equal([added, ids(read), acked, length], ["3-1", ["3-1"], 2, 8], "add, read, ack in one MULTI");
  const several = await Promise.all([1, 2, 3].map((n) => redis.xAdd(KEY, `4-${n}`, { n: String(n) })));
  checks.equal(several, ["4-1", "4-2", "4-3"], "a pipeline");
  checks.equal(await redis.xAckDel(KEY, GROUP, ["1-5", "9-9"]), [1, -1], "XACKDEL");
  checks.equal(await redis.xDel(KEY, "1-1"), 1, "XDEL");
  checks.equal(await redis.xTrim(KEY, "MAXLEN", 5), 4, "XTRIM");
  const info = await redis.xInfoStream(KEY);
  checks.equal([info.length, info["last-generated-id"], info["entries-added"]], [5, "4-3", 11], "XINFO STREAM");
}

async function nack(checks, server, redis, RESP) {
  await redis.xGroupCreate("jobs", GROUP, "0", { MKSTREAM: true });
  for (let n = 1; n <= 3; n += 1) await redis.xAdd("jobs", `1-${n}`, { n: String(n) });
  await redis.xReadGroup(GROUP, "alice", { key: "jobs", id: ">" });
  const claimer = await connect(server, RESP);
  const waiting = claimer.xReadGroup(GROUP, "bob", { key: "jobs", id: ">" }, { BLOCK: 15_000, CLAIM: 600_000 });
  await eventually(() => server.blockedClients(), 1, "a blocked claimer");
  checks.equal(await redis.xNack("jobs", GROUP, "FAIL", ["1-3", "1-1"]), 2, "XNACK FAIL");
  checks.equal(ids(await waiting), ["1-3", "1-1"], "XNACK wakes a reader with CLAIM");
  claimer.destroy();
  checks.equal(await redis.xNack("jobs", GROUP, "SILENT", "1-2"), 1, "XNACK SILENT");
  const want = [["1-1", "bob", 2], ["1-2", "", 0], ["1-3", "bob", 2]];
  checks.equal(await pending(redis, "jobs"), want, "pending after XNACK");
  await server.restartAndCompare(checks, "jobs");
  checks.equal(await redis.xAck("jobs", GROUP, ["1-1", "1-2", "1-3"]), 3, "XACK");
}

async function cycle(checks, server, RESP) {
  const redis = await connect(server, RESP);
  await redis.flushAll();
  await produce(checks, redis, RESP);
  await consume(checks, redis);
  await server.restartAndCompare(checks, KEY);
  await crashAndClaim(checks, server, redis, RESP);
  await removeDeadConsumers(checks, redis);
  await server.restartAndCompare(checks, KEY);
  await block(checks, server, redis, RESP);
  await transactions(checks, redis);
  await server.restartAndCompare(checks, KEY);
  if (!PEER) await nack(checks, server, redis, RESP);
  redis.destroy();
}

await run(async (checks, server) => {
  for (const RESP of [2, 3]) await cycle(checks, server, RESP);
});
