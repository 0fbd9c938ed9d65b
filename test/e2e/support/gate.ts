import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire between two processes that a test can hold: nothing breaks, nothing is lost, nothing arrives. */
export interface Gate {
  /** Where to connect, `127.0.0.1:port`. */
  address: string;
  /** Bytes that the gate held back since it was last closed, by where they were going. */
  held(): { toServer: number; toClient: number };
  /** Holds what is going to the server, to the client, or both; other directions pass. */
  close(which?: 'both' | 'toServer' | 'toClient'): void;
  /** Passes on what was held, in order, and all that follows. */
  open(): void;
  stop(): Promise<void>;
}

/** Opens a gate before a server on loopback. The server need not run yet. */
export async function startGate(port: number): Promise<Gate> {
  const lanes = new Set<Lane>();
  let closed = { toServer: false, toClient: false };
  let held = { toServer: 0, toClient: 0 };
  const note = (direction: Lane['direction'], bytes: number) => {
    held[direction] += bytes;
  };

  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port });
    const both = [new Lane(client, upstream, 'toServer', note), new Lane(upstream, client, 'toClient', note)];
    for (const lane of both) {
      lanes.add(lane);
      lane.hold(closed[lane.direction]);
    }
    const drop = () => {
      for (const lane of both) lanes.delete(lane);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', drop).on('close', drop);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const set = (next: typeof closed) => {
    closed = next;
    for (const lane of lanes) lane.hold(closed[lane.direction]);
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    held: () => held,
    close(which = 'both') {
      held = { toServer: 0, toClient: 0 };
      set({ toServer: which !== 'toClient', toClient: which !== 'toServer' });
    },
    open: () => set({ toServer: false, toClient: false }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const lane of lanes) lane.destroy();
      }),
  };
}

/** One direction of one connection. */
class Lane {
  readonly direction: 'toServer' | 'toClient';
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #waiting: Buffer[] = [];
  #holding = false;

  constructor(
    from: Socket,
    to: Socket,
    direction: Lane['direction'],
    note: (direction: Lane['direction'], bytes: number) => void,
  ) {
    this.direction = direction;
    this.#from = from;
    this.#to = to;
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => {
      if (this.#holding) {
        this.#waiting.push(bytes);
        note(direction, bytes.length);
      } else this.#pass(bytes);
    });
  }

  hold(holding: boolean): void {
    this.#holding = holding;
    if (holding) return;
    for (const bytes of this.#waiting.splice(0)) this.#pass(bytes);
  }

  destroy(): void {
    this.#from.destroy();
  }

  #pass(bytes: Buffer): void {
    if (this.#to.write(bytes)) return;
    this.#from.pause();
    this.#to.once('drain', () => this.#from.resume());
  }
}
