/** npm @improbable-eng/grpc-web. */

import { grpc } from "@improbable-eng/grpc-web";
import {
  GrpcWebImpl,
  InteropClientImpl,
  InteropDesc,
  InteropServerStreamDesc,
  InteropUnaryDesc,
} from "../gen/improbable/interop";
import type { Request, Response } from "../gen/improbable/interop";
import { Call } from "./call";
import type { CallOptions, InteropClient, MethodName, ReceivedMetadata } from "./call";
import "./websocket";

type Definition = grpc.MethodDefinition<grpc.ProtobufMessage, grpc.ProtobufMessage>;

// ts-proto generates nothing for methods with streamed requests.
const DEFINITIONS: Record<MethodName, Definition> = {
  unary: InteropUnaryDesc,
  serverStream: InteropServerStreamDesc,
  clientStream: { ...InteropUnaryDesc, methodName: "ClientStream", requestStream: true },
  bidi: { ...InteropUnaryDesc, methodName: "Bidi", requestStream: true, responseStream: true },
};

export function improbableClient(host: string): InteropClient {
  const transport = grpc.WebsocketTransport();
  const client = new InteropClientImpl(new GrpcWebImpl(host, { transport }));
  return {
    name: "improbable",
    call: (method, requests, options = {}) =>
      start(grpc.client(definition(method, options), { host, transport }), requests, options),
    inspect: (options) => client.Inspect({}, metadata(options)),
    stats: (tag) => client.Stats({ tag }),
  };
}

function definition(method: MethodName, { path }: CallOptions): Definition {
  if (path === undefined) {
    return DEFINITIONS[method];
  }
  const service = { ...InteropDesc, serviceName: path.service };
  return { ...DEFINITIONS[method], service, methodName: path.method };
}

function start(
  client: grpc.Client<grpc.ProtobufMessage, grpc.ProtobufMessage>,
  requests: Iterable<Request> | AsyncIterable<Request>,
  options: CallOptions,
): Call {
  let initial: ReceivedMetadata | undefined;
  let ended = false;
  const call = new Call(() => {
    client.close();
    ended = true;
    // The library calls nothing back after this.
    call.finish({ code: grpc.Code.Canceled, message: "" });
  });
  client.onHeaders((headers) => (initial = received(headers)));
  client.onMessage((message) => call.responses.push(message.toObject() as Response));
  client.onEnd((code, message, trailers) => {
    ended = true;
    call.finish({ code, message, initial, trailing: received(trailers) });
  });
  client.start(metadata(options));
  void sendAll(client, requests, () => ended);
  return call;
}

async function sendAll(
  client: grpc.Client<grpc.ProtobufMessage, grpc.ProtobufMessage>,
  requests: Iterable<Request> | AsyncIterable<Request>,
  ended: () => boolean,
): Promise<void> {
  for await (const request of requests) {
    if (ended()) {
      return;
    }
    client.send({ ...request, ...InteropUnaryDesc.requestType } as unknown as grpc.ProtobufMessage);
  }
  if (!ended()) {
    client.finishSend();
  }
}

/** The library takes strings only: the application encodes binary values. */
function metadata(options: CallOptions): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [key, value] of options.metadata ?? []) {
    metadata.append(key, typeof value === "string" ? value : Buffer.from(value).toString("base64"));
  }
  return metadata;
}

function received(metadata: grpc.Metadata): ReceivedMetadata {
  return metadata.headersMap;
}
