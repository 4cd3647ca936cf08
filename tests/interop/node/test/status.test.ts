import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, client, run, suite } from "../src/support";

const ERROR_CODES = Array.from({ length: 16 }, (_, index) => index + 1);

/** Needs percent-encoding: beyond ASCII, beyond the 16-bit plane, `%` itself, control characters. */
const MESSAGE = "naïve – 失敗 🚀 100% %41\r\nnext\tline";

/** What the client shows of binary metadata; @improbable-eng/grpc-web leaves base64 to the application. */
function binary(value: Uint8Array): string | Uint8Array {
  return client.name === "nice" ? value : Buffer.from(value).toString("base64").replace(/=+$/, "");
}

suite("status", () => {
  test("0 with the answer", async () => {
    const result = await run("unary", [{ payload: bytes(5) }]);
    assert.deepEqual([result.code, result.message], [0, ""]);
    assert.deepEqual(result.responses, [{ payload: bytes(5), index: 0 }]);
  });

  test("0 with a message", async () => {
    const status = { code: 0, message: MESSAGE };
    const result = await run("serverStream", [{ responseCount: 1, status }]);
    assert.equal(result.code, 0);
    assert.equal(result.responses.length, 1);
    // nice-grpc-web has no place for the message of a success.
    assert.equal(result.message, client.name === "nice" ? "" : MESSAGE);
  });

  for (const code of ERROR_CODES) {
    const status = { code, message: MESSAGE };

    test(`${code} instead of the answer`, async () => {
      for (const method of ["unary", "clientStream"] as const) {
        const result = await run(method, [{ status }]);
        assert.deepEqual([result.code, result.message], [code, MESSAGE]);
        assert.deepEqual(result.responses, []);
      }
    });

    test(`${code} without responses`, async () => {
      for (const method of ["serverStream", "bidi"] as const) {
        const result = await run(method, [{ status }]);
        assert.deepEqual([result.code, result.message], [code, MESSAGE]);
        assert.deepEqual(result.responses, []);
      }
    });

    test(`${code} after responses`, async () => {
      const payload = bytes(1_000);
      const expected = [0, 1, 2].map((index) => ({ payload, index }));
      const server = await run("serverStream", [{ payload, responseCount: 3, status }]);
      assert.deepEqual([server.code, server.message], [code, MESSAGE]);
      assert.deepEqual(server.responses, expected);
      const bidi = await run("bidi", [{ payload }, { payload }, { payload }, { status }]);
      assert.deepEqual([bidi.code, bidi.message], [code, MESSAGE]);
      assert.deepEqual(bidi.responses, expected);
    });
  }

  test("details", async () => {
    for (const length of [1, 2, 3, 500]) {
      const details = bytes(length);
      for (const method of ["unary", "serverStream"] as const) {
        const result = await run(method, [{ status: { code: 9, message: "no", details } }]);
        assert.deepEqual([result.code, result.message], [9, "no"]);
        assert.deepEqual(result.trailing?.["grpc-status-details-bin"], [binary(details)]);
      }
    }
  });

  test("UNIMPLEMENTED for an unknown method", async () => {
    const path = { service: "interop.v1.Interop", method: "Missing" };
    const result = await run("unary", [{}], { path });
    assert.equal(result.code, 12, result.message);
    assert.deepEqual(result.responses, []);
  });

  test("UNIMPLEMENTED for an unknown service", async () => {
    const path = { service: "interop.v1.Missing", method: "Unary" };
    const result = await run("unary", [{}], { path });
    assert.equal(result.code, 12, result.message);
    assert.deepEqual(result.responses, []);
  });
});
