import type { DescMethod, DescService } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { toServiceDefinition } from '@realchat/rpc';
import { HealthImplementation } from 'grpc-health-check';

/** What a stub saw of a call. */
export interface SeenCall {
  path: string;
  metadata: Record<string, unknown>;
}

type Call = grpc.ServerUnaryCall<Buffer, Buffer> & grpc.ServerWritableStream<Buffer, Buffer>;

/** What a stub does on a method; the response is the encoded message, or what goes wrong. */
export type Behaviour = (call: Call) => Promise<Buffer> | Buffer;

/** A gRPC server that stands in for a service of the mesh: it answers anything with an empty message. */
export interface ServiceStub {
  port: number;
  seen: SeenCall[];
  /** Does something else on a method, by its name in the contract. */
  on(method: string, behaviour: Behaviour): void;
  /** Says so when asked for its health; goes on answering calls. */
  stopServing(): void;
  /** Ends at once, as a killed process does. */
  kill(): void;
}

export async function startServiceStub(services: readonly DescService[], port = 0): Promise<ServiceStub> {
  const server = new grpc.Server();
  const seen: SeenCall[] = [];
  const behaviours = new Map<string, Behaviour>();
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(server);

  const handler = (method: DescMethod) => (call: Call, respond?: grpc.sendUnaryData<Buffer>) => {
    seen.push({ path: `/${method.parent.typeName}/${method.name}`, metadata: call.metadata.getMap() });
    const behaviour = behaviours.get(method.name) ?? (() => Buffer.alloc(0));
    Promise.resolve()
      .then(() => behaviour(call))
      .then(
        (response) => (respond ? respond(null, response) : call.end()),
        (error) => (respond ? respond(error) : call.emit('error', error)),
      );
  };
  for (const service of services) {
    const handlers = service.methods.map((method) => [method.localName, handler(method)]);
    server.addService(toServiceDefinition(service), Object.fromEntries(handlers));
  }
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    );
  });
  return {
    port: bound,
    seen,
    on: (method, behaviour) => behaviours.set(method, behaviour),
    stopServing: () => health.setStatus('', 'NOT_SERVING'),
    kill: () => server.forceShutdown(),
  };
}
