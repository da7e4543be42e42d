import assert from "node:assert/strict";
import { test } from "node:test";
import { Rpc, RpcError } from "../../src/rpc.js";

/** Two ends, joined directly. */
function pair(handlers = {}) {
  /** @type {any[]} */
  const sent = [];
  /** @type {Rpc<any>} */
  const client = new Rpc((message) => {
    sent.push(message);
    server.receive(message);
  }, handlers);
  /** @type {Rpc<any>} */
  const server = new Rpc((message) => client.receive(message), {
    onRequest: async (method, params) => {
      if (method === "fail") {
        throw new RpcError({ code: 7, message: "for the log", data: { name: "bad-text" } });
      }
      if (method === "throw") {
        throw new TypeError("a defect");
      }
      return { method, params };
    },
  });
  return { client, server, sent };
}

test("an answer reaches the call it belongs to, in whatever order answers come", async () => {
  /** @type {any[]} */
  const sent = [];
  /** @type {Rpc<any>} */
  const rpc = new Rpc((message) => sent.push(message));
  const first = rpc.call("a", {});
  const second = rpc.call("b", {});
  rpc.receive({ jsonrpc: "2.0", id: sent[1].id, result: { of: "b" } });
  rpc.receive({ jsonrpc: "2.0", id: sent[0].id, result: { of: "a" } });
  assert.deepEqual(await first, { of: "a" });
  assert.deepEqual(await second, { of: "b" });
  assert.equal(sent[0].jsonrpc, "2.0");
});

test("an error arrives with its code and its name, through both ends", async () => {
  const { client } = pair();
  await assert.rejects(client.call("fail", {}), { code: 7, name: "bad-text" });
  await assert.rejects(client.call("throw", {}), { name: "internal" });
});

test("an end without methods refuses calls by name", async () => {
  const { client, server } = pair();
  await assert.rejects(server.call("anything", {}), { code: -32601, name: "unknown-method" });
  assert.deepEqual(await client.call("x", { y: 1 }), { method: "x", params: { y: 1 } });
});

test("notifications reach their handler, and nonsense reaches nobody", () => {
  /** @type {any[]} */
  const seen = [];
  const { client } = pair({
    onNotification: (/** @type {string} */ method, /** @type {any} */ params) => seen.push([method, params]),
  });
  client.receive({ jsonrpc: "2.0", method: "status/changed", params: { online: true } });
  for (const nonsense of [null, undefined, 7, "text", [], {}, { id: 99, result: {} }, { id: "1" }, { method: 5 }]) {
    client.receive(nonsense);
  }
  assert.deepEqual(seen, [["status/changed", { online: true }]]);
});

test("when the connection is lost, every waiting call fails, and every later one", async () => {
  const rpc = new Rpc(() => {});
  const waiting = rpc.call("a", {});
  rpc.close();
  await assert.rejects(waiting, { name: "disconnected" });
  await assert.rejects(rpc.call("b", {}), { name: "disconnected" });
});

test("a port that refuses to send fails that call only", async () => {
  let broken = true;
  /** @type {Rpc<any>} */
  const rpc = new Rpc((message) => {
    if (broken) {
      throw new Error("disconnected port");
    }
    queueMicrotask(() => rpc.receive({ id: /** @type {any} */ (message).id, result: {} }));
  });
  await assert.rejects(rpc.call("a", {}), { name: "disconnected" });
  broken = false;
  assert.deepEqual(await rpc.call("a", {}), {});
});
