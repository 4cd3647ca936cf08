import { createChannel, createClient, WebsocketTransport } from "nice-grpc-web";
import { EchoDefinition } from "../gen/nice/demo";

export async function* echo(gateway: string, texts: AsyncIterable<{ text: string }>) {
  const channel = createChannel(gateway, WebsocketTransport());
  const client = createClient(EchoDefinition, channel);
  for await (const response of client.bidi(texts)) {
    yield response.text;
  }
}
