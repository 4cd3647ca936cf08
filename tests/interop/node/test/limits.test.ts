import assert from "node:assert/strict";
import { test } from "node:test";
import type { MetadataValue } from "../src/call";
import { bytes, client, run, suite } from "../src/support";

const KIB = 1024;
const MIB = 1024 * KIB;
const RESOURCE_EXHAUSTED = 8;

/** The bytes around a payload of some megabytes: one of the field's tag and four of its length. */
const FIELD = 5;

suite("message size", () => {
  test("1 MiB both ways", async () => {
    const payload = bytes(MIB);
    for (const method of ["unary", "clientStream", "bidi"] as const) {
      const result = await run(method, [{ payload }]);
      assert.equal(result.code, 0, result.message);
      assert.equal(result.responses.length, 1);
      assert.ok(Buffer.from(payload).equals(result.responses[0].payload));
    }
  });

  test("8 times 1 MiB at once both ways", async () => {
    const payload = bytes(MIB);
    const result = await run("bidi", Array.from({ length: 8 }, () => ({ payload })));
    assert.equal(result.code, 0, result.message);
    assert.deepEqual(result.responses.map(({ index }) => index), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.ok(result.responses.every((response) => Buffer.from(payload).equals(response.payload)));
  });

  test("4 MiB, the limit", async () => {
    const payload = bytes(4 * MIB - FIELD);
    const result = await run("unary", [{ payload }]);
    assert.equal(result.code, 0, result.message);
    assert.ok(Buffer.from(payload).equals(result.responses[0].payload));
  });

  test("over 4 MiB is RESOURCE_EXHAUSTED", async () => {
    for (const length of [4 * MIB - FIELD + 1, 6 * MIB]) {
      for (const method of ["unary", "clientStream", "bidi"] as const) {
        const result = await run(method, [{ payload: bytes(length) }]);
        assert.equal(result.code, RESOURCE_EXHAUSTED, `${method}: ${result.message}`);
        assert.deepEqual(result.responses, []);
      }
    }
  });

  test("over 4 MiB in the second message, after a response", async () => {
    const result = await run("bidi", [{ payload: bytes(5) }, { payload: bytes(4 * MIB) }]);
    assert.equal(result.code, RESOURCE_EXHAUSTED, result.message);
    assert.deepEqual(result.responses, [{ payload: bytes(5), index: 0 }]);
  });
});

suite("header size", () => {
  test("a value of 7 KiB both ways", async () => {
    const value = "v".repeat(7 * KIB);
    const result = await run("unary", [{}], { metadata: [["echo-long", value]] });
    assert.equal(result.code, 0, result.message);
    assert.deepEqual(result.initial?.["echo-long"], [value]);
    assert.deepEqual(result.trailing?.["echo-long"], [value]);
  });

  test("a binary value of 5 KiB both ways", async () => {
    const value = bytes(5 * KIB);
    const result = await run("unary", [{}], { metadata: [["echo-long-bin", value]] });
    assert.equal(result.code, 0, result.message);
    const shown = client.name === "nice" ? value : Buffer.from(value).toString("base64").replace(/=+$/, "");
    assert.deepEqual(result.initial?.["echo-long-bin"], [shown]);
    assert.deepEqual(result.trailing?.["echo-long-bin"], [shown]);
  });

  test("a header block over 8 KiB is RESOURCE_EXHAUSTED", async () => {
    const few: [string, MetadataValue][] = [["x-long", "v".repeat(8 * KIB)]];
    const huge: [string, MetadataValue][] = [["x-huge", "v".repeat(300 * KIB)]];
    const many = Array.from({ length: 100 }, (_, index): [string, MetadataValue] => {
      return [`x-key-${index}`, "v".repeat(100)];
    });
    for (const metadata of [few, huge, many]) {
      const result = await run("unary", [{ payload: bytes(5) }], { metadata });
      assert.equal(result.code, RESOURCE_EXHAUSTED, result.message);
      assert.deepEqual(result.responses, []);
    }
  });
});
