/** What the tests ask of a client library. */

import type { InspectResponse, Request, Response, StatsResponse } from "../gen/nice/interop";
import { Queue } from "./queue";

export type MethodName = "unary" | "serverStream" | "clientStream" | "bidi";

export type MetadataValue = string | Uint8Array;

export interface CallOptions {
  /** Request metadata; of a `-bin` key as bytes. */
  metadata?: [key: string, value: MetadataValue][];
  /** Where to find a unary method, if not at its right place. */
  path?: { service: string; method: string };
}

/** Received metadata as the library gives it to an application. */
export type ReceivedMetadata = Record<string, MetadataValue[]>;

/** The end of a call. */
export interface Outcome {
  code: number;
  message: string;
  /** Absent in a trailers-only response. */
  initial?: ReceivedMetadata;
  trailing?: ReceivedMetadata;
}

/** A call at work. */
export class Call {
  readonly responses = new Queue<Response>();
  readonly outcome: Promise<Outcome>;
  #resolve!: (outcome: Outcome) => void;

  /** `cancel` makes the library drop the call. */
  constructor(readonly cancel: () => void) {
    this.outcome = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** For the library's side of the call: this is the end. */
  finish(outcome: Outcome): void {
    this.responses.end();
    this.#resolve(outcome);
  }
}

/** A client library, with `interop.v1.Interop` at some address. */
export interface InteropClient {
  readonly name: "improbable" | "nice";
  call(method: MethodName, requests: Iterable<Request> | AsyncIterable<Request>, options?: CallOptions): Call;
  inspect(options: CallOptions): Promise<InspectResponse>;
  stats(tag: string): Promise<StatsResponse>;
}
