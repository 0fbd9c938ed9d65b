import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@realchat/testkit';
import { AUDIENCE, ISSUER } from '@realchat/testkit/token-issuer';
import { prepareEnvoy } from '../../../tools/stack/engines/envoy.ts';
import { silentProgress } from '../../../tools/stack/progress.ts';
import { ensureTls } from '../../../tools/stack/tls.ts';
import type { EnvoyOptions } from '../render.ts';
import { freePorts } from './free-ports.ts';

/** A real Envoy with the real configuration. */
export interface RunningEnvoy {
  plain: { port: number; origin: string };
  tls: { port: number; origin: string };
  admin: { port: number };
  /** The authority to trust. */
  ca: string;
  /** Asks the admin interface. */
  ask(path: string): Promise<string>;
  /**
   * The line of the access log of the request that was answered with these headers, and the whole text so far. An event is
   * named for the line of another kind. It waits for the line: Envoy writes it after the answer, as the stream is taken down.
   */
  accessLog(answered: IncomingHttpHeaders, event?: string): Promise<{ line: Record<string, unknown>; text: string }>;
  stop(): Promise<void>;
}

export async function startEnvoy(
  given: Pick<EnvoyOptions, 'upstreams'> & Partial<EnvoyOptions>,
): Promise<RunningEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), 'realchat-envoy-'));
  const [plain = 0, tls = 0, admin = 0] = await freePorts(3);
  const origins = { plain: `http://localhost:${plain}`, tls: `https://localhost:${tls}` };
  const files = await ensureTls(join(folder, 'tls'), ['localhost', '127.0.0.1']);
  const options: EnvoyOptions = {
    mode: 'development',
    host: '127.0.0.1',
    ports: { plain, tls, admin },
    certificate: { chainFile: files.chain, keyFile: files.key },
    allowedOrigins: Object.values(origins),
    tokens: { issuer: ISSUER, audience: AUDIENCE },
    accessLogFile: join(folder, 'access.log'),
    trustedHops: 0,
    mesh: undefined,
    ...given,
  };
  const spec = await prepareEnvoy(join(folder, 'envoy'), options, silentProgress);
  const child = spawn(spec.command, spec.args, { cwd: spec.cwd, env: spec.env, stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    kill();
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  await until('Envoy is ready', () => {
    if (child.exitCode !== null) throw new Error(`Envoy ended: ${errors}`);
    return spec.ready().catch(() => false);
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });

  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${admin}${path}`, { method });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return response.text();
  };
  return {
    plain: { port: plain, origin: origins.plain },
    tls: { port: tls, origin: origins.tls },
    admin: { port: admin },
    ca: await readFile(files.authority, 'utf8'),
    ask,
    accessLog: (answered, event) =>
      until('the line of the request is written', async () => {
        await ask('/reopen_logs', 'POST'); // writes what is buffered
        const text = await readFile(options.accessLogFile, 'utf8');
        const whole = text
          .slice(0, text.lastIndexOf('\n') + 1)
          .split('\n')
          .filter(Boolean);
        const lines = whole.map((each) => JSON.parse(each));
        const line = lines.find((each) => each.request_id === answered['x-request-id'] && each.event === event);
        return line && { line, text };
      }),
    stop,
  };
}
