/** npm nice-grpc-web. */

import { ClientError, createChannel, createClient, Metadata, WebsocketTransport } from "nice-grpc-web";
import type { Channel } from "nice-grpc-web";
import { InteropDefinition, Request } from "../gen/nice/interop";
import type { InteropClient as GeneratedClient, Response } from "../gen/nice/interop";
import { Call } from "./call";
import type { CallOptions, InteropClient, MethodName, Outcome, ReceivedMetadata } from "./call";

export function niceClient(url: string): InteropClient {
  const channel = createChannel(url, WebsocketTransport());
  const client: GeneratedClient = createClient(InteropDefinition, channel);
  return {
    name: "nice",
    call: (method, requests, options = {}) => start(channel, method, requests, options),
    inspect: (options) => client.inspect({}, { metadata: metadata(options) }),
    stats: (tag) => client.stats({ tag }),
  };
}

function start(
  channel: Channel,
  method: MethodName,
  requests: Iterable<Request> | AsyncIterable<Request>,
  options: CallOptions,
): Call {
  const abort = new AbortController();
  const call = new Call(() => abort.abort());
  let initial: ReceivedMetadata | undefined;
  let trailing: ReceivedMetadata | undefined;
  const responses = respond(createClient(definition(options), channel), method, requests, {
    metadata: metadata(options),
    signal: abort.signal,
    onHeader: (header: Metadata) => (initial = received(header)),
    onTrailer: (trailer: Metadata) => (trailing = received(trailer)),
  });
  void settle(call, responses).then((end) => call.finish({ ...end, initial, trailing }));
  return call;
}

/** The service, with its unary method at the given path. */
function definition({ path }: CallOptions): InteropDefinition {
  if (path === undefined) {
    return InteropDefinition;
  }
  const unary = { ...InteropDefinition.methods.unary, name: path.method };
  const moved = { ...InteropDefinition, fullName: path.service };
  return { ...moved, methods: { ...InteropDefinition.methods, unary } } as unknown as InteropDefinition;
}

/** Calls the method in the library's own way for its kind. */
async function* respond(
  client: GeneratedClient,
  method: MethodName,
  requests: Iterable<Request> | AsyncIterable<Request>,
  options: object,
): AsyncIterable<Response> {
  switch (method) {
    case "unary":
      return yield await client.unary(await only(requests), options);
    case "serverStream":
      return yield* client.serverStream(await only(requests), options);
    case "clientStream":
      return yield await client.clientStream(each(requests), options);
    case "bidi":
      return yield* client.bidi(each(requests), options);
  }
}

async function only(requests: Iterable<Request> | AsyncIterable<Request>): Promise<Request> {
  for await (const request of requests) {
    return request;
  }
  throw new Error("no request");
}

async function* each(requests: Iterable<Request> | AsyncIterable<Request>): AsyncIterable<Request> {
  yield* requests;
}

async function settle(call: Call, responses: AsyncIterable<Response>): Promise<Outcome> {
  try {
    for await (const response of responses) {
      call.responses.push(response);
    }
    return { code: 0, message: "" };
  } catch (error) {
    if (error instanceof ClientError) {
      return { code: error.code, message: error.details };
    }
    return { code: -1, message: String(error) };
  }
}

function metadata(options: CallOptions): Metadata {
  const metadata = Metadata();
  for (const [key, value] of options.metadata ?? []) {
    metadata.append(key, value);
  }
  return metadata;
}

function received(metadata: Metadata): ReceivedMetadata {
  return Object.fromEntries([...metadata].map(([key, values]) => [key, [...values]]));
}
