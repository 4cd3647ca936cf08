/** What all tests share. */

import assert from "node:assert/strict";
import { suite as nodeSuite } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Request } from "../gen/nice/interop";
import type { DeepPartial, Response, StatsResponse } from "../gen/nice/interop";
import type { CallOptions, InteropClient, MethodName, Outcome } from "./call";
import { environment } from "./environment";
import { improbableClient } from "./improbable";
import { niceClient } from "./nice";

/** Tests of the gateway have a tonic server behind it; otherwise the services are in-process. */
export const isGateway = environment("INTEROP_TARGET") === "gateway";

/** The client under test, connected to the server under test. */
export const client = clientUnderTest(environment("INTEROP_CLIENT"), environment("INTEROP_URL"));

function clientUnderTest(name: string, url: string): InteropClient {
  switch (name) {
    case "improbable":
      return improbableClient(url);
    case "nice":
      return niceClient(url);
    default:
      throw new Error(`INTEROP_CLIENT is ${name}; expected improbable or nice`);
  }
}

/** A suite whose tests fail rather than hang. */
export function suite(name: string, tests: () => void): void {
  nodeSuite(name, { timeout: 90_000 }, tests);
}

// A call that hangs keeps its socket, and with it the process.
setTimeout(() => process.exit(1), 120_000).unref();

export type Result = Outcome & { responses: Response[] };

/** Makes a call from its start to its end. */
export async function run(
  method: MethodName,
  requests: DeepPartial<Request>[],
  options?: CallOptions,
): Promise<Result> {
  const call = client.call(method, requests.map(Request.fromPartial), options);
  const responses: Response[] = [];
  for await (const response of call.responses) {
    responses.push(response);
  }
  return { ...(await call.outcome), responses };
}

/** Bytes that differ for each length, of every value and without a short period. */
export function bytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = length + 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

let tags = 0;

/** A name that no other call has. */
export function newTag(): string {
  tags += 1;
  return `${process.pid}-${tags}`;
}

/** Waits until the counters of a tag are as expected; after five seconds gives what they are. */
export async function awaitStats(
  tag: string,
  isExpected: (stats: StatsResponse) => boolean,
): Promise<StatsResponse> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const stats = await client.stats(tag);
    if (isExpected(stats) || performance.now() > deadline) {
      return stats;
    }
    await sleep(20);
  }
}

/** Expects that the only call with a tag becomes live, or ends in the given way. */
export async function expectCall(tag: string, state: keyof StatsResponse): Promise<void> {
  const stats = await awaitStats(tag, (stats) => stats[state] === 1);
  assert.deepEqual(stats, { live: 0, cancelled: 0, completed: 0, [state]: 1 });
}
