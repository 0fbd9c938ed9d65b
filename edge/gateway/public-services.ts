import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { ServerReflection } from '@realchat/gen/grpc/reflection/v1/reflection';
import { isOpen, PUBLIC_SERVICES } from '@realchat/rpc';

/** The services of the mesh that the gateway calls. */
export const BACKENDS = ['auth', 'profile', 'messaging', 'delivery', 'operations'] as const;

export type BackendName = (typeof BACKENDS)[number];

/** A service that clients may call, and who serves it. */
export interface PublicService {
  readonly service: DescService;
  readonly backend: BackendName;
}

/** A method that clients may call. */
export interface Route {
  readonly method: DescMethod;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly backend: BackendName;
  /** Its calls need no access token. */
  readonly open: boolean;
  readonly unary: boolean;
}

/** Everything that the gateway lets clients call: what is not here is nowhere. */
export function publicServices(mode: 'development' | 'production'): PublicService[] {
  const services = PUBLIC_SERVICES.map((service) => ({ service, backend: backendOf(service) }));
  // Every service describes the whole public contract, so one of them answers for all.
  const reflection: PublicService = { service: ServerReflection, backend: 'messaging' };
  return mode === 'development' ? [...services, reflection] : services;
}

/** The methods of services, by path. */
export function routesOf(services: readonly PublicService[]): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const { service, backend } of services) {
    for (const method of service.methods) {
      const path = `/${service.typeName}/${method.name}`;
      routes.set(path, { method, path, backend, open: isOpen(method), unary: method.methodKind === 'unary' });
    }
  }
  return routes;
}

/** The backend is named by the package: `realchat.<backend>.v1`. */
function backendOf(service: DescService): BackendName {
  const name = service.typeName.split('.')[1];
  const backend = BACKENDS.find((known) => known === name);
  if (backend === undefined) throw new Error(`${service.typeName} is public and no backend serves it`);
  return backend;
}
