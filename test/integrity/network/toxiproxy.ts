import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { until } from '@realchat/testkit';
import { ensureToxiproxy } from './toxiproxy-binary.ts';

/** What a proxy does to what passes: the toxics of toxiproxy, by their names and attributes there. */
export interface Toxic {
  type: 'latency' | 'bandwidth' | 'slicer' | 'timeout' | 'reset_peer' | 'limit_data';
  /** `upstream`: what goes to the server; `downstream`: what comes back. */
  stream: 'upstream' | 'downstream';
  attributes: Record<string, number>;
  /** The share of connections that it is for. Default: all. */
  toxicity?: number;
}

/** A running toxiproxy. */
export class Toxiproxy {
  readonly #child: ChildProcess;
  readonly #url: string;
  #toxics = 0;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
  }

  static async start(): Promise<Toxiproxy> {
    const binary = await ensureToxiproxy();
    const port = await freePort();
    const args = ['-host', '127.0.0.1', '-port', String(port)];
    const child = spawn(binary, args, { stdio: 'ignore' });
    const toxiproxy = new Toxiproxy(child, `http://127.0.0.1:${port}`);
    process.once('exit', toxiproxy.killNow);
    await until('toxiproxy answers', () =>
      fetch(`${toxiproxy.#url}/version`)
        .then((answer) => answer.ok)
        .catch(() => false),
    );
    return toxiproxy;
  }

  /** Puts a proxy before a port of this machine; answers the one on which it listens. */
  async createProxy(name: string, upstreamPort: number): Promise<number> {
    const upstream = `127.0.0.1:${upstreamPort}`;
    const { listen } = (await this.#ask('POST', '/proxies', { name, listen: '127.0.0.1:0', upstream })) as {
      listen: string;
    };
    return Number(listen.split(':').at(-1));
  }

  /** Answers how to take it away again. */
  async addToxic(proxy: string, { type, stream, attributes, toxicity = 1 }: Toxic): Promise<() => Promise<void>> {
    const name = `toxic-${++this.#toxics}`;
    await this.#ask('POST', `/proxies/${proxy}/toxics`, { name, type, stream, attributes, toxicity });
    return async () => void (await this.#ask('DELETE', `/proxies/${proxy}/toxics/${name}`));
  }

  /** Breaks every connection and refuses new ones, or lets them pass again. */
  async enable(proxy: string, enabled: boolean): Promise<void> {
    await this.#ask('POST', `/proxies/${proxy}`, { enabled });
  }

  readonly killNow = (): void => {
    this.#child.kill('SIGKILL');
  };

  async stop(): Promise<void> {
    process.off('exit', this.killNow);
    const exited = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`toxiproxy refuses ${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
