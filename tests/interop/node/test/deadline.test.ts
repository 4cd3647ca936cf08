import assert from "node:assert/strict";
import { test } from "node:test";
import type { MethodName } from "../src/call";
import { bytes, client, expectCall, newTag, run, suite } from "../src/support";
import type { Result } from "../src/support";
import type { DeepPartial, Request } from "../gen/nice/interop";

const DEADLINE_EXCEEDED = 4;
const LONG = 60_000;

/** Makes a call with a deadline of 300 ms; the client itself knows nothing of it. */
async function runWithDeadline(method: MethodName, request: DeepPartial<Request>): Promise<Result> {
  const start = performance.now();
  const result = await run(method, [request], { metadata: [["grpc-timeout", "300m"]] });
  const elapsed = performance.now() - start;
  // A timer may fire a little early; a busy machine may be late.
  assert.ok(elapsed > 290 && elapsed < 5_000, `the status came after ${elapsed} ms`);
  return result;
}

suite("deadline", () => {
  for (const method of ["unary", "serverStream", "clientStream", "bidi"] as const) {
    test(`${method}, before the answer`, async () => {
      const tag = newTag();
      const result = await runWithDeadline(method, { tag, delayMs: LONG });
      assert.equal(result.code, DEADLINE_EXCEEDED, result.message);
      assert.deepEqual(result.responses, []);
      await expectCall(tag, "cancelled");
    });
  }

  test("server streaming, after responses", async () => {
    const tag = newTag();
    const request = { tag, payload: bytes(9), responseCount: 2, delayMs: LONG };
    const result = await runWithDeadline("serverStream", request);
    assert.equal(result.code, DEADLINE_EXCEEDED, result.message);
    assert.deepEqual(result.responses, [0, 1].map((index) => ({ payload: bytes(9), index })));
    await expectCall(tag, "cancelled");
  });

  test("not reached", async () => {
    for (const timeout of ["20S", "1M", "1H", "20000m", "20000000u", "99999999n"]) {
      const result = await run("unary", [{ payload: bytes(4) }], { metadata: [["grpc-timeout", timeout]] });
      assert.equal(result.code, 0, `${timeout}: ${result.message}`);
      assert.deepEqual(result.responses, [{ payload: bytes(4), index: 0 }]);
    }
  });

  test("known to the handler", async () => {
    const { metadata } = await client.inspect({ metadata: [["grpc-timeout", "20S"]] });
    const timeouts = metadata.filter(({ key }) => key === "grpc-timeout");
    assert.equal(timeouts.length, 1);
    const remaining = milliseconds(Buffer.from(timeouts[0].value).toString());
    assert.ok(remaining > 10_000 && remaining <= 20_000, `${remaining} ms remain`);
  });
});

function milliseconds(timeout: string): number {
  const units: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };
  assert.match(timeout, /^\d{1,8}[HMSmun]$/);
  return Number(timeout.slice(0, -1)) * units[timeout.slice(-1)];
}
