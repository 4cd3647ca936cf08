/** Gives @improbable-eng/grpc-web the browser's global, which Node has only since version 22. */

import { WebSocket } from "ws";

Object.assign(globalThis, { WebSocket });
