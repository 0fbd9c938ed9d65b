import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire that can be cut. */
export interface TcpProxy {
  /** On loopback. */
  port: number;
  /** Bytes that have come back from the target so far. */
  answered(): number;
  /** Breaks every connection and refuses new ones, as a peer that has died. */
  cut(): void;
  /** Keeps connections open, accepts new ones, and passes nothing on, as a peer that hangs. */
  freeze(): void;
  /** Passes everything on again. */
  restore(): void;
  stop(): Promise<void>;
}

/** Listens on a port, a free one unless given, and passes everything on to the target. */
export async function startTcpProxy(target: { host: string; port: number }, listenPort = 0): Promise<TcpProxy> {
  const pairs = new Set<[Socket, Socket]>();
  let state: 'open' | 'cut' | 'frozen' = 'open';
  let answered = 0;

  // At once: what waits for the peer to confirm what came before is 40 ms late, which a wire is not.
  const server = createServer({ noDelay: true }, (near) => {
    if (state === 'cut') return near.resetAndDestroy();
    const far = connect({ ...target, noDelay: true });
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
    far.on('data', (bytes: Buffer) => (answered += bytes.length));
    near.pipe(far);
    far.pipe(near);
    if (state === 'frozen') pause(pair);
  });
  const pause = (pair: [Socket, Socket]) => {
    const [near, far] = pair;
    near.unpipe(far);
    far.unpipe(near);
    for (const socket of pair) socket.pause();
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listenPort, '127.0.0.1', resolve);
  });

  return {
    port: (server.address() as AddressInfo).port,
    answered: () => answered,
    cut() {
      state = 'cut';
      for (const [near, far] of pairs) {
        near.resetAndDestroy();
        far.destroy();
      }
    },
    freeze() {
      state = 'frozen';
      for (const pair of pairs) pause(pair);
    },
    restore() {
      if (state === 'frozen') {
        for (const [near, far] of pairs) {
          near.pipe(far);
          far.pipe(near);
        }
      }
      state = 'open';
    },
    stop() {
      for (const [near] of pairs) near.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A proxy before the server of an address, and the address that leads through it. */
export async function startProxyFor(address: string): Promise<{ proxy: TcpProxy; address: string }> {
  const url = new URL(address);
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, address: url.href };
}
