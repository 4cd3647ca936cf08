import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { environment } from "../src/environment";
import "../src/websocket";
import { echo } from "./improbable";
import { echo as echoEach } from "./nice";

const gateway = environment("INTEROP_DEMO_URL");

suite("examples", () => {
  test("@improbable-eng/grpc-web", async () => {
    assert.equal(await echo(gateway, "Grüße 👋"), "Grüße 👋");
  });

  test("nice-grpc-web", async () => {
    const texts: string[] = [];
    for await (const text of echoEach(gateway, requests())) {
      texts.push(text);
    }
    assert.deepEqual(texts, ["one", "two", "three"]);
  });
});

async function* requests(): AsyncIterable<{ text: string }> {
  yield { text: "one" };
  yield { text: "two" };
  yield { text: "three" };
}
