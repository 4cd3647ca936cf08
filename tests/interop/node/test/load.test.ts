import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, run, suite } from "../src/support";

/** A unary call whose answer belongs to no other. */
async function unary(length: number): Promise<void> {
  const result = await run("unary", [{ payload: bytes(length) }]);
  assert.equal(result.code, 0, result.message);
  assert.deepEqual(result.responses, [{ payload: bytes(length), index: 0 }]);
}

suite("load", () => {
  test("1,000 calls in a row", async () => {
    for (let length = 0; length < 1_000; length += 1) {
      await unary(length);
    }
  });

  test("100 calls at once", async () => {
    await Promise.all(Array.from({ length: 100 }, (_, length) => unary(length)));
  });

  test("100 streams at once", async () => {
    const streams = Array.from({ length: 100 }, async (_, length) => {
      const requests = Array.from({ length: 20 }, () => ({ payload: bytes(length) }));
      const result = await run("bidi", requests);
      assert.equal(result.code, 0, result.message);
      const expected = requests.map(({ payload }, index) => ({ payload, index }));
      assert.deepEqual(result.responses, expected);
    });
    await Promise.all(streams);
  });
});
