/** npm clients call a device: `tests/firmware/run` boots it, and sets DEVICE_URL. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { environment } from "../src/environment";
import * as improbable from "./improbable";
import * as nice from "./nice";

const device = environment("DEVICE_URL");

const clients = { "@improbable-eng/grpc-web": improbable, "nice-grpc-web": nice };

for (const [name, client] of Object.entries(clients)) {
  suite(name, { timeout: 20_000 }, () => {
    test("unary", async () => {
      assert.equal(await client.set(device, 21_500), 21_500);
    });

    test("a status with its message", async () => {
      await assert.rejects(client.set(device, 0), /5 to 30 °C/);
    });

    test("server streaming", async () => {
      assert.equal(await client.watchOnce(device), 21_500);
    });

    test("client streaming", async () => {
      assert.equal(await client.upload(device, [new Uint8Array(1000), new Uint8Array(24)]), 1024);
    });

    test("bidirectional streaming", async () => {
      assert.deepEqual(await client.adjust(device, [10_000, 11_000, 21_500]), [10_000, 11_000, 21_500]);
    });
  });
}
