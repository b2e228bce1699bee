// A real server process on a free loopback port with a directory of its own, and the checks counted against
// it. The environment variables are those of server.py.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;
const SCRIPT_TIMEOUT_MS = 150_000;
const OUTPUT_LINES_MAX = 60;
const DEFAULT_ARGS = "serve --port {port} --dir {dir}";
export const PEER = process.env.ACKLINE_PEER === "1";

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  return port;
}

export class Checks {
  count = 0;

  equal(got, want, what) {
    this.count += 1;
    const show = (value) => JSON.stringify(value);
    const plain = (value) => structuredClone(value); // clients make objects with other prototypes
    assert.deepEqual(plain(got), plain(want), `${what}\n  got:  ${show(got)}\n  want: ${show(want)}`);
  }

  async rejects(promise, text) {
    const error = await promise.then(
      () => assert.fail(`expected an error with ${text}`),
      (error) => error,
    );
    this.equal(error.message.includes(text), true, `error text ${error.message} has ${text}`);
  }
}

export class Server {
  async open() {
    this.port = await freePort();
    this.dir = mkdtempSync(join(tmpdir(), "ackline-e2e-"));
    this.output = join(this.dir, "output");
    process.on("exit", () => this.process?.kill("SIGKILL"));
    await this.start();
  }

  async start() {
    const data = join(this.dir, "data");
    mkdirSync(data, { recursive: true });
    const words = (process.env.ACKLINE_ARGS || DEFAULT_ARGS).split(" ");
    const args = words.map((word) => word.replace("{port}", this.port).replace("{dir}", data));
    const output = openSync(this.output, "a");
    this.process = spawn(process.env.ACKLINE_BIN, args, { stdio: ["ignore", output, output] });
    closeSync(output);
    this.process.on("error", (error) => console.error(`cannot start the server: ${error.message}`));
    this.exited = new Promise((resolve) => {
      this.process.once("error", () => resolve(null));
      this.process.once("exit", (status) => resolve(status));
    });
    this.exited.then(() => (this.ended = true));
    this.ended = false;
    await this.waitForPing();
  }

  async waitForPing() {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline) {
      assert(!this.ended, "the server ended before it answered");
      if ((await this.raw("PING").catch(() => null)) === "PONG") return;
      await sleep(20);
    }
    assert.fail(`the server did not answer PING within ${START_TIMEOUT_MS} ms`);
  }

  // Asks it to stop, as a service manager would, and gives its exit status.
  stop() {
    return this.end("SIGTERM");
  }

  kill() {
    return this.end("SIGKILL");
  }

  async end(signal) {
    this.process.kill(signal);
    const late = sleep(STOP_TIMEOUT_MS, "late", { ref: false });
    const status = await Promise.race([this.exited, late]);
    assert.notEqual(status, "late", `the server did not end within ${STOP_TIMEOUT_MS} ms of ${signal}`);
    return status;
  }

  async close(failed) {
    await this.kill().catch(() => {});
    if (failed && existsSync(this.output)) {
      const lines = readFileSync(this.output, "utf8").split("\n").slice(-OUTPUT_LINES_MAX);
      console.error(["--- output of the server", ...lines, "--- end of the output"].join("\n"));
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  // One command on a connection of its own, over RESP2: the reply as it came.
  async raw(...words) {
    const client = new Redis({
      port: this.port,
      host: "127.0.0.1",
      lazyConnect: true,
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      commandTimeout: 10_000,
    });
    client.on("error", () => {}); // the call below reports it
    try {
      await client.connect();
      return await client.call(...words.map(String));
    } finally {
      client.disconnect();
    }
  }

  async blockedClients() {
    return Number(/blocked_clients:(\d+)/.exec(await this.raw("INFO", "clients"))[1]);
  }

  // Everything about a stream that a restart must not change.
  async snapshot(key) {
    const full = pairs(await this.raw("XINFO", "STREAM", key, "FULL", "COUNT", 0));
    const groups = [];
    for (const flat of full.groups) {
      const group = pairs(flat);
      const consumers = await this.raw("XINFO", "CONSUMERS", key, group.name);
      groups.push({
        group: GROUP_FIELDS.map((field) => group[field]),
        summary: await this.raw("XPENDING", key, group.name),
        consumers: consumers.map(pairs).map((row) => [row.name, row.pending]),
      });
    }
    const stream = STREAM_FIELDS.map((field) => full[field]);
    return { stream, entries: await this.raw("XRANGE", key, "-", "+"), groups };
  }

  // A crash, then an orderly stop: the stream is the same to the last delivery time.
  async restartAndCompare(checks, key) {
    const before = await this.snapshot(key);
    await this.kill();
    await this.start();
    checks.equal(await this.snapshot(key), before, `${key} after SIGKILL`);
    checks.equal(await this.stop(), 0, "exit status after SIGTERM");
    await this.start();
    checks.equal(await this.snapshot(key), before, `${key} after SIGTERM`);
  }
}

const STREAM_FIELDS = ["length", "last-generated-id", "max-deleted-entry-id", "entries-added"];
const GROUP_FIELDS = ["name", "last-delivered-id", "entries-read", "lag", "pel-count", "pending"];

export function pairs(flat) {
  const object = {};
  for (let i = 0; i < flat.length; i += 2) object[flat[i]] = flat[i + 1];
  return object;
}

// Waits until the probe gives what is wanted; for what happens in another process.
export async function eventually(probe, want, what, timeoutMs = 20_000) {
  const deadline = Date.now() + timeoutMs;
  let got;
  while ((got = await probe()) !== want) {
    assert(Date.now() < deadline, `${what} did not come about: ${got}, not ${want}`);
    await sleep(20);
  }
}

// Runs a script's main(checks, server) with an end in sight, and prints the count that xtask reads.
export async function run(main) {
  assert(process.env.ACKLINE_BIN, "ACKLINE_BIN is not set");
  const checks = new Checks();
  const server = new Server();
  const tooLate = sleep(SCRIPT_TIMEOUT_MS, undefined, { ref: false }).then(() =>
    assert.fail(`the script took longer than ${SCRIPT_TIMEOUT_MS} ms`),
  );
  let failure;
  try {
    await Promise.race([server.open().then(() => main(checks, server)), tooLate]);
  } catch (error) {
    failure = error;
  }
  await server.close(failure !== undefined);
  if (failure) console.error(failure);
  else console.log(`${checks.count} checks`);
  process.exit(failure ? 1 : 0);
}
