import { createChannel, createClient, WebsocketTransport } from "nice-grpc-web";
import { OtaDefinition, ThermostatDefinition } from "../gen/nice/device/v1/device";

function thermostat(device: string) {
  return createClient(ThermostatDefinition, createChannel(device, WebsocketTransport()));
}

export async function set(device: string, targetMillidegrees: number): Promise<number> {
  const state = await thermostat(device).set({ targetMillidegrees });
  return state.targetMillidegrees;
}

export async function watchOnce(device: string): Promise<number> {
  for await (const state of thermostat(device).watch({})) {
    return state.targetMillidegrees;
  }
  throw new Error("no state");
}

export async function upload(device: string, chunks: Uint8Array[]): Promise<number> {
  const ota = createClient(OtaDefinition, createChannel(device, WebsocketTransport()));
  const image = await ota.upload(each(chunks.map((data) => ({ data }))));
  return image.length;
}

export async function adjust(device: string, targets: number[]): Promise<number[]> {
  const requests = each(targets.map((targetMillidegrees) => ({ targetMillidegrees })));
  const states: number[] = [];
  for await (const state of thermostat(device).adjust(requests)) {
    states.push(state.targetMillidegrees);
  }
  return states;
}

async function* each<T>(values: T[]): AsyncIterable<T> {
  yield* values;
}
