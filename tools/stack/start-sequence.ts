import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { hostPort, parseConfig } from '@realchat/config';
import { rateLimitSettings } from '@realchat/limits/settings';
import { prepareEnvoy } from './engines/envoy.ts';
import { prepareKafka } from './engines/kafka.ts';
import { databaseUrl, preparePostgres } from './engines/postgres.ts';
import { ensureDatabases } from './engines/postgres-databases.ts';
import { KEPT_FOR_STANDBY, makeSynchronous, prepareStandby } from './engines/postgres-standby.ts';
import { prepareValkey } from './engines/valkey.ts';
import type { MeshName } from './instances.ts';
import { kafkaPorts } from './kafka-listeners.ts';
import { addressesOf, type MeshProcess, startGroups } from './mesh.ts';
import { meshSpec, migrate } from './mesh-process.ts';
import { meshTlsFiles, TRUST_DOMAIN } from './mesh-tls.ts';
import type { PortName } from './ports.ts';
import type { ProcessSpec } from './process-spec.ts';
import type { Progress } from './progress.ts';
import { rowOf, type StackContext } from './stack-context.ts';
import type { PartName, ProcessName } from './stack-options.ts';
import { ensureTls } from './tls.ts';
import { ensureTopics } from './topics.ts';
import { bundleWebPage, hasWebPage } from './web-page.ts';

/** Starts a process under supervision and waits until it is ready. */
export type Launch = (name: ProcessName, spec: ProcessSpec) => Promise<void>;

/**
 * Brings the parts up in order: the engines side by side, then the tables, then the mesh from the inside outwards, then the
 * edge. Throws what went wrong, after everything that was under way has ended.
 */
export async function bringUp(
  context: StackContext,
  parts: ReadonlySet<PartName>,
  progress: Progress,
  launch: Launch,
): Promise<void> {
  const has = (name: PartName) => parts.has(name);
  let envoy: ProcessSpec | undefined;
  await together([
    has('postgres') && startPostgres(context, progress, launch),
    has('valkey') && startValkey(context, progress, launch),
    has('kafka') && startKafka(context, progress, launch),
    has('envoy') && prepareEdge(context, progress).then((spec) => (envoy = spec)),
    has('gateway') && hasWebPage() && progress.step('bundling the web page', bundleWebPage),
  ]);
  const groups = startGroups.map((group) => group.filter(has));
  const services = groups.flat();
  if (services.length > 0) {
    await progress.step('bringing the tables up to date', () =>
      together(services.map((name) => migrate(rowOf(context, name)))),
    );
  }
  const rows = [...context.mesh.values()];
  for (const group of groups) {
    await together(rows.filter(({ service }) => group.includes(service)).map((row) => startService(row, launch)));
  }
  if (envoy) await launch('envoy', envoy);
}

async function startPostgres({ paths, ports, secrets, overrides }: StackContext, progress: Progress, launch: Launch) {
  const { settings = {}, env = {}, standby } = overrides.postgres ?? {};
  const options = {
    folder: paths.postgres,
    port: ports.postgres,
    passwords: secrets.postgres,
    settings: { ...settings, ...(standby && KEPT_FOR_STANDBY) },
    env,
    standby,
  };
  const primary = await preparePostgres(options, progress);
  const second = standby && (await prepareStandby(primary, { ...options, standby }));
  await launch('postgres', primary);
  if (second) {
    await launch('postgres-standby', second);
    await makeSynchronous(databaseUrl(options, 'superuser'));
  }
  await ensureDatabases(databaseUrl(options, 'superuser'), options.passwords);
}

async function startValkey({ paths, ports, secrets }: StackContext, progress: Progress, launch: Launch) {
  const options = { folder: paths.valkey, port: ports.valkey, password: secrets.valkey };
  await launch('valkey', await prepareValkey(options, progress));
}

async function startKafka({ paths, ports, instances, overrides }: StackContext, progress: Progress, launch: Launch) {
  const { advertised = {}, env = {}, others = [] } = overrides.kafka ?? {};
  const own = { ports: kafkaPorts(ports, instances), controllerPort: ports.kafkaController };
  const brokers = [own, ...others];
  const controllerPorts = brokers.map(({ controllerPort }) => controllerPort);
  const cluster = createHash('sha256').update(paths.kafka).digest().subarray(0, 16).toString('base64url');
  const start = async (addresses: typeof own, node: number) => {
    const first = node === 1;
    const name = first ? 'kafka' : (`kafka-${node}` as const);
    const folder = first ? paths.kafka : `${paths.kafka}-${node}`;
    const options = { ...addresses, ...(first && { advertised, env }), name, folder, node, controllerPorts, cluster };
    await launch(name, await prepareKafka(options, progress));
  };
  // Most of them have to be there before any of them is ready.
  await together(brokers.map((addresses, index) => start(addresses, index + 1)));
  await ensureTopics([{ host: '127.0.0.1', port: ports.kafkaAdmin }]);
}

async function startService(row: MeshProcess, launch: Launch) {
  await launch(row.name, meshSpec(row));
}

async function prepareEdge(context: StackContext, progress: Progress): Promise<ProcessSpec> {
  const { paths, ports, overrides } = context;
  const { env } = rowOf(context, 'auth');
  const tls = await ensureTls(paths.tls, context.hosts);
  const own = meshTlsFiles(join(paths.meshTls, 'envoy'));
  const every = (service: MeshName, port: PortName) =>
    addressesOf(context, service, port).map((address) => hostPort.parse(address));
  return prepareEnvoy(
    paths.envoy,
    {
      mode: 'development',
      host: context.host,
      ports: { plain: ports.edgePlain, tls: ports.edgeTls, admin: ports.edgeAdmin },
      certificate: { chainFile: tls.chain, keyFile: tls.key },
      allowedOrigins: context.origins,
      upstreams: {
        auth: every('auth', 'authGrpc'),
        profile: every('profile', 'profileGrpc'),
        messaging: every('messaging', 'messagingGrpc'),
        delivery: every('delivery', 'deliveryGrpc'),
        operations: every('operations', 'operationsGrpc'),
        gateway: every('gateway', 'gatewayHttp'),
        gatewayH2c: every('gateway', 'gatewayH2c'),
        rateLimit: every('gateway', 'gatewayRateLimit'),
        jwks: every('auth', 'authJwks'),
      },
      mesh: {
        chainFile: own.certificate,
        keyFile: own.key,
        authorityFile: own.authority,
        trustDomain: TRUST_DOMAIN,
      },
      tokens: {
        issuer: env['TOKEN_ISSUER'] ?? '',
        audience: env['TOKEN_AUDIENCE'] ?? '',
        ...(overrides.keysMaxAgeSeconds !== undefined && { keysMaxAgeSeconds: overrides.keysMaxAgeSeconds }),
      },
      accessLogFile: join(paths.logs, 'envoy-access.log'),
      trustedHops: 0,
      rateLimits: parseConfig(rateLimitSettings, overrides.env?.gateway ?? {}).RATE_LIMITS,
    },
    progress,
  );
}

/** Runs all to their end, then throws what failed: the one, or an AggregateError. */
async function together(work: readonly (Promise<unknown> | false)[]): Promise<void> {
  const results = await Promise.allSettled(work.filter((item) => item !== false));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} parts did not come up`);
}
