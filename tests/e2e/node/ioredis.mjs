// ioredis.

import { Redis } from "ioredis";
import { PEER, eventually, pairs, run } from "./server.mjs";

const KEY = "orders";
const GROUP = "workers";
const LOW_ID = "ERR The ID specified in XADD is equal or smaller than the target stream top item";

function connect(server) {
  const client = new Redis({ port: server.port, host: "127.0.0.1", retryStrategy: () => 50 });
  client.on("error", () => {}); // it reconnects by itself while the server restarts
  return client;
}

async function pending(redis, key = KEY) {
  const rows = await redis.xpending(key, GROUP, "-", "+", 100);
  return rows.map(([id, owner, , count]) => [id, owner, count]);
}

function read(redis, consumer, ...options) {
  return redis.xreadgroup("GROUP", GROUP, consumer, ...options, "STREAMS", KEY, ">");
}

async function produce(checks, redis) {
  checks.equal(await redis.ping(), "PONG", "PING");
  checks.equal(await redis.xgroup("CREATE", KEY, GROUP, "0", "MKSTREAM"), "OK", "XGROUP CREATE");
  await checks.rejects(redis.xgroup("CREATE", KEY, GROUP, "0"), "BUSYGROUP Consumer Group name already exists");
  checks.equal(await redis.xadd(KEY, "1-1", "item", "żółć", "n", "1"), "1-1", "XADD");
  const transaction = redis.multi();
  for (let n = 2; n <= 6; n += 1) transaction.xadd(KEY, `1-${n}`, "n", String(n));
  const want = [2, 3, 4, 5, 6].map((n) => [null, `1-${n}`]);
  checks.equal(await transaction.exec(), want, "XADD in MULTI");
  await checks.rejects(redis.xadd(KEY, "1-6", "n", "0"), LOW_ID);
  checks.equal(await redis.xlen(KEY), 6, "XLEN");
}

async function consume(checks, redis) {
  const first = [KEY, [["1-1", ["item", "żółć", "n", "1"]], ["1-2", ["n", "2"]]]];
  checks.equal(await read(redis, "alice", "COUNT", 2), [first], "alice's entries");
  const second = [KEY, [["1-3", ["n", "3"]], ["1-4", ["n", "4"]]]];
  checks.equal(await read(redis, "bob", "COUNT", 2), [second], "bob's entries");
  checks.equal(await redis.xack(KEY, GROUP, "1-1", "9-9"), 1, "XACK");
  const owners = [["1-2", "alice", 1], ["1-3", "bob", 1], ["1-4", "bob", 1]];
  checks.equal(await pending(redis), owners, "pending after XACK");
  const summary = [3, "1-2", "1-4", [["alice", "1"], ["bob", "2"]]];
  checks.equal(await redis.xpending(KEY, GROUP), summary, "XPENDING");
}

// bob re-reads what is his and dies with his connection; others take it over.
async function crashAndClaim(checks, server, redis) {
  const bob = connect(server);
  const history = await bob.xreadgroup("GROUP", GROUP, "bob", "STREAMS", KEY, "0");
  checks.equal(history, [[KEY, [["1-3", ["n", "3"]], ["1-4", ["n", "4"]]]]], "bob's own entries");
  bob.disconnect();

  const claimed = await redis.xautoclaim(KEY, GROUP, "carol", 0, "0-0", "COUNT", 1);
  checks.equal(claimed, ["1-3", [["1-2", ["n", "2"]]], []], "XAUTOCLAIM");
  checks.equal(await redis.xclaim(KEY, GROUP, "carol", 3_600_000, "1-3"), [], "XCLAIM of what is not idle enough");
  checks.equal(await redis.xclaim(KEY, GROUP, "carol", 0, "1-3", "JUSTID"), ["1-3"], "XCLAIM JUSTID");

  const [[, rows]] = await read(redis, "dave", "CLAIM", 0);
  const seen = rows.map(([id, , , count]) => [id, count]);
  checks.equal(seen, [["1-4", 2], ["1-2", 2], ["1-3", 2], ["1-5", 0], ["1-6", 0]], "CLAIM: stale ones, then new ones");
  const owners = [["1-2", 3], ["1-3", 3], ["1-4", 3], ["1-5", 1], ["1-6", 1]].map(([id, n]) => [id, "dave", n]);
  checks.equal(await pending(redis), owners, "pending after CLAIM");
}

async function removeDeadConsumers(checks, redis) {
  const consumers = (await redis.xinfo("CONSUMERS", KEY, GROUP)).map(pairs);
  const counts = consumers.map((row) => [row.name, row.pending]);
  checks.equal(counts, [["alice", 0], ["bob", 0], ["carol", 0], ["dave", 5]], "XINFO CONSUMERS");
  checks.equal(consumers.every((row) => row.idle >= 0), true, "idle times");
  for (const name of ["alice", "bob", "carol"]) {
    checks.equal(await redis.xgroup("DELCONSUMER", KEY, GROUP, name), 0, `DELCONSUMER ${name}`);
  }
  checks.equal(await redis.xgroup("CREATECONSUMER", KEY, GROUP, "erin"), 1, "CREATECONSUMER");
  await redis.xclaim(KEY, GROUP, "erin", 0, "1-6");
  checks.equal(await redis.xgroup("DELCONSUMER", KEY, GROUP, "erin"), 1, "DELCONSUMER drops what was pending");
}

async function block(checks, server, redis) {
  checks.equal(await read(redis, "dave", "BLOCK", 20), null, "BLOCK that runs out");
  const reader = connect(server);
  const waiting = read(reader, "dave", "BLOCK", 15_000);
  await eventually(() => server.blockedClients(), 1, "a blocked client");
  checks.equal(await redis.xadd(KEY, "2-1", "n", "7"), "2-1", "XADD that wakes the reader");
  checks.equal(await waiting, [[KEY, [["2-1", ["n", "7"]]]]], "what the blocked reader got");
  reader.disconnect();
}

async function transactions(checks, redis) {
  const replies = await redis
    .multi()
    .xadd(KEY, "3-1", "n", "8")
    .xreadgroup("GROUP", GROUP, "dave", "STREAMS", KEY, ">")
    .xack(KEY, GROUP, "2-1", "3-1")
    .xlen(KEY)
    .exec();
  const want = [[null, "3-1"], [null, [[KEY, [["3-1", ["n", "8"]]]]]], [null, 2], [null, 8]];
  checks.equal(replies, want, "add, read, ack in one MULTI");
  const [added, failed, length] = await redis.pipeline().xadd(KEY, "4-1", "n", "9").xadd(KEY, "1-1", "n", "0").xlen(KEY).exec();
  checks.equal([added, length], [[null, "4-1"], [null, 9]], "a pipeline goes on after an error");
  checks.equal(failed[0].message, LOW_ID, "the error in it");
  checks.equal(await redis.call("XACKDEL", KEY, GROUP, "IDS", 2, "1-5", "9-9"), [1, -1], "XACKDEL");
  checks.equal(await redis.xdel(KEY, "1-1"), 1, "XDEL");
  checks.equal(await redis.xtrim(KEY, "MAXLEN", 5), 2, "XTRIM");
}

async function nack(checks, server, redis) {
  await redis.xgroup("CREATE", "jobs", GROUP, "0", "MKSTREAM");
  for (let n = 1; n <= 3; n += 1) await redis.xadd("jobs", `1-${n}`, "n", String(n));
  await redis.xreadgroup("GROUP", GROUP, "alice", "STREAMS", "jobs", ">");
  checks.equal(await redis.call("XNACK", "jobs", GROUP, "FAIL", "IDS", 2, "1-3", "1-1"), 2, "XNACK FAIL");
  checks.equal(await redis.call("XNACK", "jobs", GROUP, "SILENT", "IDS", 1, "1-2"), 1, "XNACK SILENT");
  checks.equal(await pending(redis, "jobs"), [["1-1", "", 1], ["1-2", "", 0], ["1-3", "", 1]], "pending after XNACK");
  await server.restartAndCompare(checks, "jobs");
  const [[, rows]] = await redis.xreadgroup("GROUP", GROUP, "bob", "CLAIM", 600_000, "STREAMS", "jobs", ">");
  checks.equal(rows.map(([id, , , count]) => [id, count]), [["1-3", 1], ["1-1", 1], ["1-2", 0]], "order of release");
  checks.equal(await redis.xack("jobs", GROUP, "1-1", "1-2", "1-3"), 3, "XACK");
}

await run(async (checks, server) => {
  const redis = connect(server);
  await produce(checks, redis);
  await consume(checks, redis);
  await server.restartAndCompare(checks, KEY);
  await crashAndClaim(checks, server, redis);
  await removeDeadConsumers(checks, redis);
  await server.restartAndCompare(checks, KEY);
  await block(checks, server, redis);
  await transactions(checks, redis);
  await server.restartAndCompare(checks, KEY);
  if (!PEER) await nack(checks, server, redis);
  redis.disconnect();
});
