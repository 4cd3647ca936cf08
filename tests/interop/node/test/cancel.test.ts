import assert from "node:assert/strict";
import { test } from "node:test";
import { Request } from "../gen/nice/interop";
import type { Call } from "../src/call";
import { Queue } from "../src/queue";
import { awaitStats, bytes, client, expectCall, isGateway, newTag, run, suite } from "../src/support";

const LONG = 60_000;

/** Cancels the call once its handler is at work, and expects that the handler is dropped. */
async function cancelAtWork(call: Call, tag: string): Promise<void> {
  await expectCall(tag, "live");
  call.cancel();
  await expectCall(tag, "cancelled");
}

suite("cancel", () => {
  test("unary, before the answer", async () => {
    const tag = newTag();
    const call = client.call("unary", [Request.fromPartial({ tag, delayMs: LONG })]);
    await cancelAtWork(call, tag);
  });

  test("server streaming, after responses", async () => {
    const tag = newTag();
    const request = Request.fromPartial({ tag, payload: bytes(9), responseCount: 2, delayMs: LONG });
    const call = client.call("serverStream", [request]);
    assert.deepEqual(await call.responses.next(), { payload: bytes(9), index: 0 });
    assert.deepEqual(await call.responses.next(), { payload: bytes(9), index: 1 });
    await cancelAtWork(call, tag);
  });

  test("server streaming, amid responses without end", async () => {
    const tag = newTag();
    const request = Request.fromPartial({ tag, payload: bytes(1_000), responseCount: 1e9 });
    const call = client.call("serverStream", [request]);
    assert.deepEqual(await call.responses.next(), { payload: bytes(1_000), index: 0 });
    await cancelAtWork(call, tag);
  });

  test("client streaming, while the handler answers", async () => {
    const tag = newTag();
    const requests = new Queue<Request>();
    requests.push(Request.fromPartial({ tag, delayMs: LONG }));
    await cancelAtWork(client.call("clientStream", requests), tag);
    requests.end();
  });

  test("client streaming, while the handler awaits a request", async () => {
    const tag = newTag();
    const requests = new Queue<Request>();
    requests.push(Request.fromPartial({ tag }));
    const call = client.call("clientStream", requests);
    await expectCall(tag, "live");
    call.cancel();
    if (isGateway) {
      // The tonic server behind the gateway tells its handler of a cancel as of a half-close.
      const stats = await awaitStats(tag, ({ live }) => live === 0);
      assert.equal(stats.cancelled + stats.completed, 1);
    } else {
      await expectCall(tag, "cancelled");
    }
    requests.end();
  });

  test("bidirectional streaming, while the handler awaits a request", async () => {
    const tag = newTag();
    const requests = new Queue<Request>();
    requests.push(Request.fromPartial({ tag, payload: bytes(9) }));
    const call = client.call("bidi", requests);
    assert.deepEqual(await call.responses.next(), { payload: bytes(9), index: 0 });
    await cancelAtWork(call, tag);
    requests.end();
  });

  test("none: a call that ends by itself completes", async () => {
    for (const method of ["unary", "serverStream", "clientStream", "bidi"] as const) {
      const tag = newTag();
      const result = await run(method, [{ tag, responseCount: 1 }]);
      assert.equal(result.code, 0, result.message);
      await expectCall(tag, "completed");
    }
  });
});
