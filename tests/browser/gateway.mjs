// Starts and stops the gateway binary that the test is about.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const START_TIMEOUT_MS = 20_000;

/** A running gateway with its built-in demo. */
export class Gateway {
  #process;

  /** Starts `$GATEWAY_BIN` and waits until it prints its address. Port 0 means any free one. */
  static async start(port = 0) {
    const binary = process.env.GATEWAY_BIN;
    if (!binary) throw new Error("set GATEWAY_BIN to the path of the grpc-websocket-gateway binary");
    const gateway = new Gateway();
    gateway.#process = spawn(binary, ["--listen", `127.0.0.1:${port}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      gateway.url = await gateway.#address();
    } catch (error) {
      await gateway.kill();
      throw error;
    }
    return gateway;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** Ends the process without giving it a chance to say goodbye. */
  async kill() {
    const { pid, exitCode, signalCode } = this.#process;
    const running = pid !== undefined && exitCode === null && signalCode === null;
    if (!running) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }

  /** Stops answering without closing any connection, as a machine does that lost its network. */
  freeze() {
    this.#process.kill("SIGSTOP");
  }

  thaw() {
    this.#process.kill("SIGCONT");
  }

  /** Keeps reading the output to its end, so that the process never waits for a full pipe. */
  async #address() {
    const lines = createInterface({ input: this.#process.stdout });
    let timer;
    const printed = new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`the gateway ${why} before it printed its address`));
      timer = setTimeout(fail, START_TIMEOUT_MS, "took too long");
      this.#process.once("error", reject);
      lines.once("close", () => fail("ended"));
      lines.on("line", (line) => {
        const [url] = line.match(/http:\/\/127\.0\.0\.1:\d+/) ?? [];
        if (url) resolve(url);
      });
    });
    return printed.finally(() => clearTimeout(timer));
  }
}
