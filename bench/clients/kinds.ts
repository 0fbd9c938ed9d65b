import type { ClientKind } from './chat-client.ts';
import { commitClient } from './commit.ts';
import { grpcClient } from './grpc.ts';
import { socketIoClient } from './socketio.ts';
import { webSocketClient } from './websocket.ts';

/** Every way in which load is made. */
export const clientKinds = {
  websocket: webSocketClient,
  grpc: grpcClient,
  socketio: socketIoClient,
  commit: commitClient,
} as const satisfies Record<string, ClientKind>;

export type ClientName = keyof typeof clientKinds;
