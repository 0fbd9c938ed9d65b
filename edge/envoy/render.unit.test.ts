import type { DescMethod } from '@bufbuild/protobuf';
import { isOpen, PUBLIC_SERVICES } from '@realchat/rpc';
import { describe, expect, test } from 'vitest';
import { type EnvoyOptions, renderEnvoyConfig } from './render.ts';

const at = (port: number) => [{ host: '127.0.0.1', port }];

const OPTIONS: EnvoyOptions = {
  mode: 'development',
  host: '0.0.0.0',
  ports: { plain: 8080, tls: 8443, admin: 9901 },
  certificate: { chainFile: '/tls/edge.crt', keyFile: '/tls/edge.key' },
  allowedOrigins: ['https://localhost:8443'],
  upstreams: {
    auth: at(7101),
    profile: at(7201),
    messaging: [...at(7301), ...at(7302)],
    delivery: at(7401),
    operations: at(7601),
    gateway: at(7501),
    gatewayH2c: at(7502),
    rateLimit: at(7511),
    jwks: at(7131),
  },
  tokens: { issuer: 'https://auth.realchat.local', audience: 'realchat' },
  accessLogFile: '/dev/stdout',
  trustedHops: 0,
  mesh: {
    chainFile: '/mesh/tls.crt',
    keyFile: '/mesh/tls.key',
    authorityFile: '/mesh/ca.crt',
    trustDomain: 'realchat.local',
  },
};

interface Route {
  name: string;
  match: { path?: string; prefix?: string; headers?: { name: string }[] };
  route?: { cluster: string; timeout?: string; max_stream_duration?: Record<string, string> };
  direct_response?: { status: number };
  typed_per_filter_config?: Record<string, { disabled?: boolean }>;
}

interface Listener {
  name: string;
  address: { socket_address: { address: string; port_value: number } };
  filter_chains: { filters: { typed_config: { route_config: { virtual_hosts: { routes: Route[] }[] } } }[] }[];
}

interface Config {
  admin: Pick<Listener, 'address'>;
  static_resources: { listeners: Listener[]; clusters: { name: string; type: string; load_assignment: unknown }[] };
}

const configOf = (changes: Partial<EnvoyOptions> = {}): Config =>
  JSON.parse(renderEnvoyConfig({ ...OPTIONS, ...changes }));
const routesOf = (config: Config): Route[] =>
  config.static_resources.listeners[0]?.filter_chains[0]?.filters[0]?.typed_config.route_config.virtual_hosts[0]
    ?.routes ?? [];

const methods = PUBLIC_SERVICES.flatMap((service) => service.methods);
const pathsOf = (routes: Route[]) => new Set(routes.map((route) => route.match.path));
const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;
const needsNoToken = (route: Route) => route.typed_per_filter_config?.['realchat.token']?.disabled === true;

describe('the routes', () => {
  const routes = routesOf(configOf());
  const rpc = (name: string) =>
    routes.filter((route) => route.name === name && route.match.path?.startsWith('/realchat.'));

  test('cover exactly the public contract, by gRPC and by Connect', () => {
    const contract = new Set(methods.map(pathOf));
    expect(contract.size).toBeGreaterThan(10);
    expect(pathsOf(rpc('grpc'))).toEqual(contract);
    expect(pathsOf(rpc('connect'))).toEqual(contract);
  });

  test('lead gRPC to the service of its package and Connect to the gateway', () => {
    for (const { match, route } of rpc('grpc')) expect(match.path).toContain(`/realchat.${route?.cluster}.v1.`);
    for (const { route } of rpc('connect')) expect(route?.cluster).toBe('gateway_h2c');
  });

  test('name no internal service', () => {
    expect(renderEnvoyConfig(OPTIONS)).not.toMatch(/LogService|AccountService/);
  });

  test('need a token, but for those by which one gets one or gives it up', () => {
    const expected = new Set(methods.filter(isOpen).map(pathOf));
    expect(expected.size).toBe(4);
    expect(pathsOf(rpc('grpc').filter(needsNoToken))).toEqual(expected);
    expect(pathsOf(rpc('connect').filter(needsNoToken))).toEqual(expected);
  });

  test('bound unary calls and leave streams alone', () => {
    const streaming = methods.filter((method) => method.methodKind !== 'unary');
    const unbounded = rpc('grpc').filter((route) => route.route?.timeout === '0s');
    expect(streaming.length).toBeGreaterThan(0);
    expect(pathsOf(unbounded)).toEqual(new Set(streaming.map(pathOf)));
    for (const { route } of rpc('grpc').filter((each) => !unbounded.includes(each))) {
      expect(route?.max_stream_duration).toEqual({ max_stream_duration: '15s', grpc_timeout_header_max: '60s' });
    }
  });

  test('end in 404 for all that is not named', () => {
    expect(routes.at(-1)).toMatchObject({ match: { prefix: '/' }, direct_response: { status: 404 } });
    const others = routes.slice(0, -1).filter((route) => route.match.prefix);
    expect(others.map((route) => route.match.prefix)).toEqual(['/assets/']);
  });
});

describe('upstreams', () => {
  interface Upstream {
    name: string;
    transport_socket?: {
      typed_config: { common_tls_context: { validation_context: unknown; alpn_protocols: string[] } };
    };
  }
  const contextsOf = (config: Config) =>
    (config.static_resources.clusters as unknown as Upstream[]).map(
      ({ name, transport_socket: socket }) => [name, socket?.typed_config.common_tls_context] as const,
    );

  test('S-08: are spoken to by mutual TLS, each taken only for itself', () => {
    const server: Record<string, string> = { gateway_h2c: 'gateway', rate_limit: 'gateway', jwks: 'auth' };
    const contexts = contextsOf(configOf());
    expect(contexts.length).toBeGreaterThan(5);
    for (const [name, context] of contexts) {
      expect(context, name).toMatchObject({
        tls_certificates: [
          { certificate_chain: { filename: '/mesh/tls.crt' }, private_key: { filename: '/mesh/tls.key' } },
        ],
        validation_context: {
          trusted_ca: { filename: '/mesh/ca.crt' },
          match_typed_subject_alt_names: [
            { san_type: 'URI', matcher: { exact: `spiffe://realchat.local/service/${server[name] ?? name}` } },
          ],
        },
      });
    }
  });

  test('are spoken to in plain text only in development', () => {
    for (const [, context] of contextsOf(configOf({ mesh: undefined }))) expect(context).toBeUndefined();
    expect(() => configOf({ mode: 'production', mesh: undefined })).toThrow(/there is no certificate/);
  });
});

describe('production', () => {
  const config = configOf({ mode: 'production' });

  test('has no plain listener', () => {
    const names = ({ static_resources }: Config) => static_resources.listeners.map((listener) => listener.name);
    expect(names(config)).toEqual(['edge_tls']);
    expect(names(configOf())).toEqual(['edge_tls', 'edge_plain']);
    expect(JSON.stringify(config)).not.toContain('8080');
  });

  test('has no reflection', () => {
    expect(renderEnvoyConfig(OPTIONS)).toContain('grpc.reflection');
    expect(JSON.stringify(config)).not.toContain('grpc.reflection');
  });
});

describe('the configuration', () => {
  test('S-68: binds the admin interface to loopback, whatever the listeners are bound to', () => {
    expect(configOf().admin.address.socket_address).toEqual({ address: '127.0.0.1', port_value: 9901 });
    expect(configOf().static_resources.listeners[0]?.address.socket_address.address).toBe('0.0.0.0');
  });

  test('knows each instance of a service', () => {
    const messaging = configOf().static_resources.clusters.find((cluster) => cluster.name === 'messaging');
    expect(JSON.stringify(messaging?.load_assignment).match(/"port_value":730[12]/g)).toHaveLength(2);
  });

  test('looks up names and takes addresses as they are', () => {
    const profile = [{ host: 'profile', port: 7201 }];
    const { clusters } = configOf({ upstreams: { ...OPTIONS.upstreams, profile } }).static_resources;
    const typeOf = (name: string) => clusters.find((cluster) => cluster.name === name)?.type;
    expect([typeOf('profile'), typeOf('messaging')]).toEqual(['STRICT_DNS', 'STATIC']);
  });

  test('S-71: refuses an origin without TLS in production', () => {
    expect(() => configOf({ mode: 'production', allowedOrigins: ['http://localhost:8080'] })).toThrow(/TLS only/);
  });

  test.each(['*', 'https://chat.example.com/', 'https://*.example.com/x', 'chat.example.com', 'null', ''])(
    'refuses %j as an origin',
    (origin) => {
      expect(() => configOf({ allowedOrigins: [origin] })).toThrow(/not an origin/);
    },
  );

  test('refuses an upstream without an address', () => {
    expect(() => configOf({ upstreams: { ...OPTIONS.upstreams, delivery: [] } })).toThrow(/delivery/);
  });
});
