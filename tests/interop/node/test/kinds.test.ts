import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { Request } from "../gen/nice/interop";
import { Queue } from "../src/queue";
import { bytes, client, run, suite } from "../src/support";

suite("RPC kinds", () => {
  test("unary", async () => {
    const result = await run("unary", [{ payload: bytes(100) }]);
    assert.deepEqual(result.responses, [{ payload: bytes(100), index: 0 }]);
    assert.equal(result.code, 0, result.message);
  });

  test("server streaming", async () => {
    const result = await run("serverStream", [{ payload: bytes(100), responseCount: 500 }]);
    const expected = Array.from({ length: 500 }, (_, index) => ({ payload: bytes(100), index }));
    assert.deepEqual(result.responses, expected);
    assert.equal(result.code, 0, result.message);
  });

  test("server streaming without responses", async () => {
    const result = await run("serverStream", [{}]);
    assert.deepEqual(result.responses, []);
    assert.equal(result.code, 0, result.message);
  });

  test("client streaming", async () => {
    const payloads = Array.from({ length: 500 }, (_, index) => bytes(index));
    const result = await run("clientStream", payloads.map((payload) => ({ payload })));
    const expected = new Uint8Array(Buffer.concat(payloads));
    assert.deepEqual(result.responses, [{ payload: expected, index: 500 }]);
    assert.equal(result.code, 0, result.message);
  });

  test("client streaming without requests", async () => {
    const result = await run("clientStream", []);
    assert.deepEqual(result.responses, [{ payload: bytes(0), index: 0 }]);
    assert.equal(result.code, 0, result.message);
  });

  test("bidirectional streaming", async () => {
    const payloads = Array.from({ length: 500 }, (_, index) => bytes(index));
    const result = await run("bidi", payloads.map((payload) => ({ payload })));
    assert.deepEqual(result.responses, payloads.map((payload, index) => ({ payload, index })));
    assert.equal(result.code, 0, result.message);
  });

  test("bidirectional streaming without requests", async () => {
    const result = await run("bidi", []);
    assert.deepEqual(result.responses, []);
    assert.equal(result.code, 0, result.message);
  });

  test("empty messages", async () => {
    const unary = await run("unary", [{}]);
    assert.deepEqual(unary.responses, [{ payload: bytes(0), index: 0 }]);
    assert.equal(unary.code, 0, unary.message);
    const bidi = await run("bidi", [{}, {}, {}]);
    const expected = [0, 1, 2].map((index) => ({ payload: bytes(0), index }));
    assert.deepEqual(bidi.responses, expected);
    assert.equal(bidi.code, 0, bidi.message);
  });

  test("ping-pong", async () => {
    const requests = new Queue<Request>();
    const call = client.call("bidi", requests);
    for (let index = 0; index < 2_000; index += 1) {
      const payload = bytes(index % 300);
      requests.push(Request.fromPartial({ payload }));
      assert.deepEqual(await call.responses.next(), { payload, index });
    }
    requests.end();
    assert.equal(await call.responses.next(), undefined);
    const outcome = await call.outcome;
    assert.equal(outcome.code, 0, outcome.message);
  });
});

suite("early end by the server, while the client still sends", () => {
  for (const method of ["bidi", "clientStream"] as const) {
    for (const status of [{ code: 9, message: "enough" }, { code: 16, message: "who?" }]) {
      test(`${method}, status ${status.code}`, async () => {
        const requests = new Queue<Request>();
        requests.push(Request.fromPartial({ status }));
        const call = client.call(method, requests);
        const sent = await sendUntil(call.outcome, requests);
        const { code, message } = await call.outcome;
        assert.deepEqual({ code, message }, status);
        assert.equal(await call.responses.next(), undefined);
        assert.ok(sent < 500, "the status came before the client gave up");
        requests.end();
      });
    }
  }

  test("bidi, status 0 after responses", async () => {
    const requests = new Queue<Request>();
    const call = client.call("bidi", requests);
    requests.push(Request.fromPartial({ payload: bytes(9) }));
    assert.deepEqual(await call.responses.next(), { payload: bytes(9), index: 0 });
    requests.push(Request.fromPartial({ status: { code: 0 } }));
    const sent = await sendUntil(call.outcome, requests);
    const outcome = await call.outcome;
    assert.equal(outcome.code, 0, outcome.message);
    assert.equal(await call.responses.next(), undefined);
    assert.ok(sent < 500, "the end came before the client gave up");
    requests.end();
  });
});

/** Sends a request every 10 ms, 500 at most. Gives their number. */
async function sendUntil(outcome: Promise<unknown>, requests: Queue<Request>): Promise<number> {
  let ended = false;
  void outcome.then(() => (ended = true));
  let sent = 0;
  for (; !ended && sent < 500; sent += 1) {
    requests.push(Request.fromPartial({ payload: bytes(1_000) }));
    await sleep(10);
  }
  return sent;
}
