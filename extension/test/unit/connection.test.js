import assert from "node:assert/strict";
import { test } from "node:test";
import { MockHost } from "../../dev/mock/host.js";
import { delay, FIRST_MS, LONGEST_MS } from "../../src/host/backoff.js";
import { HELLO_TIMEOUT_MS, HostConnection, STABLE_MS } from "../../src/host/connection.js";
import { Clock, settle } from "./clock.js";

/** @import { HostState } from "../../src/addon-protocol.js" */
/** @import { Script } from "../../dev/mock/host.js" */

/** @param {Script} script */
function world(script) {
  const host = new MockHost(script);
  const clock = new Clock();
  /** @type {HostState[]} */
  const states = [];
  /** @type {any[]} */
  const heard = [];
  const connection = new HostConnection({
    connect: () => host.connect(),
    version: "0.1.0",
    profile: "profile-1",
    onState: (state) => states.push(state),
    onReady: (welcome) => heard.push(["ready", welcome.addresses]),
    onNotification: (method) => heard.push([method]),
    setTimer: clock.setTimer,
    clearTimer: clock.clearTimer,
    now: () => clock.now,
    random: () => 0,
  });
  return { host, clock, states, heard, connection };
}

/** The mock's ports take a few turns of the real event loop. */
async function deliver() {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await settle();
  }
}

test("waits grow from half a second to thirty, and jitter takes away at most a half", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 1000].map((attempt) => delay(attempt, () => 0)),
    [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
  assert.equal(
    delay(0, () => 0.999999),
    FIRST_MS / 2,
  );
  assert.equal(
    delay(50, () => 0.5),
    LONGEST_MS * 0.75,
  );
});

test("hello names the add-on, its version and the profile; then calls go through", async () => {
  const { host, states, heard, connection } = world({});
  connection.connect();
  await deliver();
  assert.deepEqual(host.calls[0], {
    method: "hello",
    params: { client: "corella-addon", version: "0.1.0", profile: "profile-1" },
  });
  assert.deepEqual(states, [{ kind: "ready", host: "0.1.0" }]);
  assert.deepEqual(heard, [["ready", ["alice@example.test"]]]);
  const answer = connection.call("status", {});
  await deliver();
  assert.equal((await answer).peers, 3);
});

test("a host that is not installed is called missing, and tried again, ever more seldom", async () => {
  const { host, clock, states, connection } = world({ mode: "missing" });
  connection.connect();
  await deliver();
  assert.deepEqual(states.at(-1), { kind: "missing" });
  for (const wait of [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    const starts = host.starts;
    assert.equal(clock.nextIn, wait);
    await clock.pass(wait - 1);
    await deliver();
    assert.equal(host.starts, starts);
    await clock.pass(1);
    await deliver();
    assert.equal(host.starts, starts + 1);
  }
  await assert.rejects(connection.call("status", {}), { name: "disconnected" });
});

test("when the host appears, the next try finds it", async () => {
  const { host, clock, states, connection } = world({ mode: "missing" });
  connection.connect();
  await deliver();
  host.mode = "ready";
  await clock.pass(500);
  await deliver();
  assert.equal(states.at(-1)?.kind, "ready");
  assert.equal(clock.nextIn, Infinity);
});

test("a user who asks does not wait for the next try", async () => {
  const { host, clock, states, connection } = world({ mode: "missing" });
  connection.connect();
  await deliver();
  host.mode = "ready";
  connection.connect();
  await deliver();
  assert.equal(states.at(-1)?.kind, "ready");
  const { starts } = host;
  await clock.pass(60_000);
  await deliver();
  assert.equal(host.starts, starts, "the try that was due is not made any more");
});

test("a host that dies is called crashed; waiting calls fail; it is started again after half a second", async () => {
  const { host, clock, states, connection } = world({});
  connection.connect();
  await deliver();
  await clock.pass(STABLE_MS);
  const waiting = connection.call("status", {});
  host.kill();
  await assert.rejects(waiting, { name: "disconnected" });
  await deliver();
  assert.deepEqual(states.at(-1), { kind: "crashed" });
  await clock.pass(FIRST_MS);
  await deliver();
  assert.equal(states.at(-1)?.kind, "ready");
});

test("a host that dies again and again is tried ever more seldom, though it says hello each time", async () => {
  const { host, clock, connection } = world({});
  connection.connect();
  for (const wait of [500, 1000, 2000, 4000]) {
    await deliver();
    host.kill();
    await deliver();
    assert.equal(clock.nextIn, wait);
    await clock.pass(wait);
  }
});

test("unequal versions name the side to update", async () => {
  for (const [mode, host] of /** @type {const} */ ([
    ["too-old", "0.0.9"],
    ["too-new", "0.2.0"],
  ])) {
    const { states, connection } = world({ mode });
    connection.connect();
    await deliver();
    assert.deepEqual(states.at(-1), { kind: mode, host, addon: "0.1.0" });
  }
});

test("another refusal keeps its name", async () => {
  const { states, connection } = world({ mode: "in-use" });
  connection.connect();
  await deliver();
  assert.deepEqual(states.at(-1), { kind: "refused", name: "in-use" });
});

test("a host that never answers hello is given up and started again", async () => {
  const { host, clock, states, connection } = world({});
  host.connect = () => {
    host.starts++;
    const nothing = { addListener() {}, removeListener() {} };
    return { name: "", onMessage: nothing, onDisconnect: nothing, postMessage() {}, disconnect() {} };
  };
  connection.connect();
  await clock.pass(HELLO_TIMEOUT_MS);
  assert.deepEqual(states.at(-1), { kind: "crashed" });
  await clock.pass(FIRST_MS);
  assert.equal(host.starts, 2);
});

test("after stop nothing is tried any more", async () => {
  const { host, clock, connection } = world({ mode: "missing" });
  connection.connect();
  await deliver();
  connection.stop();
  await clock.pass(120_000);
  await deliver();
  assert.equal(host.starts, 1);
});
