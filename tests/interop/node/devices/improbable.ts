import { grpc } from "@improbable-eng/grpc-web";
import {
  Chunk,
  GrpcWebImpl,
  Image,
  OtaDesc,
  SetRequest,
  State,
  ThermostatClientImpl,
  ThermostatDesc,
} from "../gen/improbable/device/v1/device";
import "../src/websocket";

const transport = grpc.WebsocketTransport();

interface Message<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function thermostat(device: string): ThermostatClientImpl {
  return new ThermostatClientImpl(new GrpcWebImpl(device, { transport }));
}

export async function set(device: string, targetMillidegrees: number): Promise<number> {
  const state = await thermostat(device).Set({ targetMillidegrees });
  return state.targetMillidegrees;
}

export async function watchOnce(device: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const watching = thermostat(device)
      .Watch({})
      .subscribe({
        next: (state) => {
          resolve(state.targetMillidegrees);
          watching.unsubscribe();
        },
        error: reject,
      });
  });
}

export async function upload(device: string, chunks: Uint8Array[]): Promise<number> {
  const messages = chunks.map((data) => ({ data }));
  const [image] = await stream(device, OtaDesc, "Upload", [Chunk, Image], messages);
  return image?.length ?? 0;
}

export async function adjust(device: string, targets: number[]): Promise<number[]> {
  const messages = targets.map((targetMillidegrees) => ({ targetMillidegrees }));
  const states = await stream(device, ThermostatDesc, "Adjust", [SetRequest, State], messages);
  return states.map((state) => state.targetMillidegrees);
}

/** ts-proto generates nothing for methods with streamed requests. */
function stream<Q, A>(
  device: string,
  service: grpc.ServiceDefinition,
  methodName: string,
  [request, response]: [Message<Q>, Message<A>],
  messages: Q[],
): Promise<A[]> {
  const method = { service, methodName, requestStream: true, responseStream: true };
  const types = { requestType: request, responseType: { deserializeBinary: response.decode } };
  const definition = { ...method, ...types } as unknown as grpc.MethodDefinition<
    grpc.ProtobufMessage,
    grpc.ProtobufMessage
  >;
  return new Promise((resolve, reject) => {
    const answers: A[] = [];
    const client = grpc.client(definition, { host: device, transport });
    client.onMessage((answer) => answers.push(answer as unknown as A));
    client.onEnd((code, message) => (code === grpc.Code.OK ? resolve(answers) : reject(new Error(message))));
    client.start();
    for (const message of messages) {
      const bytes = request.encode(message).finish();
      client.send({ serializeBinary: () => bytes } as grpc.ProtobufMessage);
    }
    client.finishSend();
  });
}
