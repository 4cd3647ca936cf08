import assert from "node:assert/strict";
import { test } from "node:test";
import type { MethodName, MetadataValue, ReceivedMetadata } from "../src/call";
import { bytes, client, run, suite } from "../src/support";

const METHODS: MethodName[] = ["unary", "serverStream", "clientStream", "bidi"];

/** Every character that an ASCII value may have; a space only inside. */
const PRINTABLE = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 0x21 + index)) + " end";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, index) => index);

/** The values of a key that the handler saw. */
async function seen(key: string, values: MetadataValue[]): Promise<Uint8Array[]> {
  const { metadata } = await client.inspect({ metadata: values.map((value) => [key, value]) });
  return metadata.filter((entry) => entry.key === key).map((entry) => entry.value);
}

/** Several binary values of one key, as the client shows them. */
function binary(...values: Uint8Array[]): MetadataValue[] {
  // @improbable-eng/grpc-web leaves base64 to the application.
  return client.name === "nice"
    ? values
    : values.map((value) => Buffer.from(value).toString("base64").replace(/=+$/, ""));
}

function fromAscii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "ascii"));
}

suite("request metadata at the handler", () => {
  test("ASCII", async () => {
    assert.deepEqual(await seen("x-printable", [PRINTABLE]), [fromAscii(PRINTABLE)]);
    assert.deepEqual(await seen("x_0-9.z", ["a"]), [fromAscii("a")]);
  });

  test("binary, of every length modulo 3", async () => {
    for (const value of [bytes(1), bytes(2), bytes(3), EVERY_BYTE]) {
      assert.deepEqual(await seen("x-value-bin", [value]), [value]);
    }
  });

  test("several ASCII values of a key", async () => {
    // Both clients join them into one value, which a server must not split again.
    assert.deepEqual(await seen("x-many", ["1", "2, 3", "1"]), [fromAscii("1, 2, 3, 1")]);
  });

  test("several binary values of a key", async () => {
    // @improbable-eng/grpc-web joins their base64 into one line, nice-grpc-web sends a line each.
    const values = [bytes(1), EVERY_BYTE, bytes(2), bytes(1)];
    assert.deepEqual(await seen("x-many-bin", values), values);
  });

  test("nothing of the WebSocket's own", async () => {
    const { metadata } = await client.inspect({});
    const keys = metadata.map(({ key }) => key);
    const own = /^(connection|upgrade|host|sec-websocket-.*|transfer-encoding|content-length)$/;
    assert.deepEqual(keys.filter((key) => own.test(key)), []);
  });

  test("the application keeps its authorization", async () => {
    assert.deepEqual(await seen("authorization", ["Bearer abc.def"]), [fromAscii("Bearer abc.def")]);
  });
});

suite("initial and trailing metadata", () => {
  for (const method of METHODS) {
    test(`of a ${method} call`, async () => {
      const result = await run(method, [{ payload: bytes(3), responseCount: 1 }], {
        metadata: [
          ["echo-printable", PRINTABLE],
          ["echo-many", "1"],
          ["echo-many", "2"],
          ["echo-value-bin", EVERY_BYTE],
          ["not-echoed", "a"],
        ],
      });
      assert.equal(result.code, 0, result.message);
      for (const [place, metadata] of [["initial", result.initial], ["trailing", result.trailing]] as const) {
        assert.deepEqual(metadata?.["sent-in"], [place]);
        assert.deepEqual(metadata?.["echo-printable"], [PRINTABLE]);
        assert.deepEqual(metadata?.["echo-many"], ["1, 2"]);
        assert.deepEqual(metadata?.["echo-value-bin"], binary(EVERY_BYTE));
        assert.equal(metadata?.["not-echoed"], undefined);
      }
    });
  }

  test("several values of a key", async () => {
    const binaries = [bytes(1), bytes(2), EVERY_BYTE, bytes(1)];
    const replyMetadata = [
      ...["1", "2, 3", "1"].map((value) => ({ key: "x-many", value: fromAscii(value) })),
      ...binaries.map((value) => ({ key: "x-many-bin", value })),
    ];
    // nice-grpc-web joins what the server sent as several values.
    const ascii = client.name === "nice" ? ["1, 2, 3, 1"] : ["1", "2, 3", "1"];
    for (const method of ["unary", "serverStream"] as const) {
      const result = await run(method, [{ replyMetadata, responseCount: 1 }]);
      assert.equal(result.code, 0, result.message);
      for (const metadata of [result.initial, result.trailing]) {
        assert.deepEqual(metadata?.["x-many"], ascii);
        assert.deepEqual(metadata?.["x-many-bin"], binary(...binaries));
      }
    }
  });

  test("of an error instead of the answer", async () => {
    const status = { code: 9, message: "no" };
    const metadata: [string, MetadataValue][] = [["echo-a", "1"], ["echo-a-bin", bytes(7)]];
    const result = await run("unary", [{ status }], { metadata });
    assert.deepEqual([result.code, result.message], [9, "no"]);
    expectEcho(result.trailing);
    // In a trailers-only response @improbable-eng/grpc-web shows the trailers as headers too.
    assert.deepEqual(result.initial, client.name === "nice" ? undefined : result.trailing);
  });

  test("of an error after responses", async () => {
    const status = { code: 9, message: "no" };
    const metadata: [string, MetadataValue][] = [["echo-a", "1"], ["echo-a-bin", bytes(7)]];
    const result = await run("serverStream", [{ status, responseCount: 2 }], { metadata });
    assert.deepEqual([result.code, result.message], [9, "no"]);
    assert.deepEqual(result.initial?.["sent-in"], ["initial"]);
    expectEcho(result.trailing);
  });
});

function expectEcho(trailing: ReceivedMetadata | undefined): void {
  assert.deepEqual(trailing?.["sent-in"], ["trailing"]);
  assert.deepEqual(trailing?.["echo-a"], ["1"]);
  assert.deepEqual(trailing?.["echo-a-bin"], binary(bytes(7)));
}
