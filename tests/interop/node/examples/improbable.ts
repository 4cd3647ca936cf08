import { grpc } from "@improbable-eng/grpc-web";
import { EchoClientImpl, GrpcWebImpl } from "../gen/improbable/demo";

export async function echo(gateway: string, text: string): Promise<string> {
  const rpc = new GrpcWebImpl(gateway, { transport: grpc.WebsocketTransport() });
  const response = await new EchoClientImpl(rpc).Unary({ text });
  return response.text;
}
