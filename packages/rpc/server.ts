import type { DescService } from '@bufbuild/protobuf';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { HostPort } from '@realchat/config';
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '@realchat/gen/grpc/reflection/v1/reflection';
import type { Identity } from '@realchat/identity';
import { type Logger, type Registry, Traffic } from '@realchat/telemetry';
import { HealthImplementation } from 'grpc-health-check';
import { type CallMetrics, createCallMetrics } from './call-metrics.ts';
import { serverCredentials } from './credentials.ts';
import { type Handling, streamingCall, unaryCall } from './handle-call.ts';
import type { Implementation } from './implement.ts';
import { createPeerCheck } from './peer.ts';
import { createReflection } from './reflection.ts';
import type { RpcError } from './rpc-error.ts';
import { asBuffer, toServiceDefinition } from './service-definition.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** The most bytes of one message, everywhere in the mesh. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** A gRPC server of the mesh with health v1 and, where asked for, reflection v1. */
export interface GrpcServer {
  /** The port it listens on, once started. */
  readonly port: number;
  start(): Promise<void>;
  /**
   * Has callers go elsewhere: health answers NOT_SERVING while calls are served as before, until those who balance have seen
   * it; then new calls are refused, for the caller's side to make elsewhere. Calls in flight go on; streams are the service's
   * own to end, before `stop`: on a connection that was told to end (GOAWAY), grpc-js drops its streams at its next ping.
   */
  retire(): Promise<void>;
  /** Waits for the calls in flight, at most the grace time, then closes. */
  stop(graceMs: number): Promise<void>;
}

/** What a server is made of. */
export interface GrpcServerOptions {
  listen: HostPort;
  implementations: Implementation[];
  /**
   * Who this process is: callers prove who they are, and each service is open to those of its row in `callers.ts`. Undefined
   * only in development: plain text, for anyone.
   */
  identity: Identity | undefined;
  /** Verifies callers; leave out only on internal listeners. */
  tokens?: TokenVerifier;
  /** Services to describe by reflection; with none, there is no reflection. */
  reflect?: DescService[];
  /** Names the refusal behind an error of a dependency. */
  classify?: (error: unknown) => RpcError | undefined;
  log: Logger;
  metrics: Registry | CallMetrics;
}

// Defaults of grpc-js that are no limits are set here, for every server of the mesh.
const LIMITS: grpc.ServerOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': 32 * 1024 * 1024,
  'grpc.max_concurrent_streams': 10_000,
  'grpc-node.max_session_memory': 64,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.enable_channelz': 0,
};

/** Makes a server; it listens when started. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const server = new grpc.Server(LIMITS);
  const health = new HealthImplementation();
  const traffic = new Traffic();
  const metrics = 'started' in options.metrics ? options.metrics : createCallMetrics(options.metrics);
  let retired = false;
  let port = 0;

  const handling: Handling = {
    tokens: options.tokens,
    checkPeer: createPeerCheck(options.identity, { log: options.log, metrics }),
    log: options.log,
    metrics: {
      ...metrics,
      started(method) {
        const over = traffic.begin();
        const ended = metrics.started(method);
        return (code) => {
          over();
          ended(code);
        };
      },
    },
    classify: options.classify ?? (() => undefined),
    retired: () => retired,
  };
  for (const implementation of options.implementations) addService(server, implementation, handling);
  health.addToServer(server);
  if (options.reflect?.length) addReflection(server, options.reflect);

  const setHealth = (status: 'SERVING' | 'NOT_SERVING') => {
    health.setStatus('', status);
    for (const { service } of options.implementations) health.setStatus(service.typeName, status);
  };

  return {
    get port() {
      return port;
    },
    async start() {
      port = await new Promise<number>((resolve, reject) => {
        const address = `${options.listen.host.includes(':') ? `[${options.listen.host}]` : options.listen.host}:${options.listen.port}`;
        server.bindAsync(address, serverCredentials(options.identity), (error, bound) =>
          error ? reject(error) : resolve(bound),
        );
      });
      setHealth('SERVING');
    },
    async retire() {
      setHealth('NOT_SERVING');
      await traffic.notice();
      retired = true;
    },
    async stop(graceMs) {
      retired = true;
      let timer: NodeJS.Timeout | undefined;
      const overdue = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs);
      });
      // Closes the listener and says GOAWAY. Alone it waits for ever on a stream that nobody ends.
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      await Promise.race([closed, overdue]);
      clearTimeout(timer);
      server.forceShutdown();
    },
  };
}

function addService(server: grpc.Server, { service, handlers }: Implementation, handling: Handling): void {
  const wrapped: grpc.UntypedServiceImplementation = {};
  for (const method of service.methods) {
    const handler = handlers[method.localName];
    if (!handler) throw new Error(`${service.typeName}.${method.name} has no handler`);
    if (method.methodKind === 'unary') wrapped[method.localName] = unaryCall(method, handler as never, handling);
    else if (method.methodKind === 'server_streaming')
      wrapped[method.localName] = streamingCall(method, handler as never, handling);
    else throw new Error(`${service.typeName}.${method.name}: ${method.methodKind} methods are not served`);
  }
  server.addService(toServiceDefinition(service), wrapped);
}

function addReflection(server: grpc.Server, services: DescService[]): void {
  const [method] = Object.entries(toServiceDefinition(ServerReflection));
  if (!method) throw new Error('the reflection contract has no method');
  const [name, definition] = method;
  const typed = {
    ...definition,
    requestDeserialize: (bytes: Buffer) => fromBinary(ServerReflectionRequestSchema, bytes),
    responseSerialize: (message: never) => asBuffer(toBinary(ServerReflectionResponseSchema, message)),
  };
  server.addService({ [name]: typed } as grpc.ServiceDefinition, {
    [name]: createReflection([...services, ServerReflection]),
  });
}
