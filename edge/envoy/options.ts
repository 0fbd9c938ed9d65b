import { LIMITS, type LimitTable } from '@realchat/limits/table';

/** A network address, without brackets around IPv6. */
export interface HostPort {
  host: string;
  port: number;
}

/** What Envoy forwards to. Each may have several instances; Envoy leaves those that fail. */
export interface Upstreams {
  /** AuthService over gRPC. */
  auth: readonly HostPort[];
  /** ProfileService over gRPC. */
  profile: readonly HostPort[];
  /** ConversationService and MessageService over gRPC. */
  messaging: readonly HostPort[];
  /** DeliveryService over gRPC. */
  delivery: readonly HostPort[];
  /** DeadLetterService and what else is for operators, over gRPC. */
  operations: readonly HostPort[];
  /** The gateway's HTTP/1.1 port: WebSocket and the web client. */
  gateway: readonly HostPort[];
  /** The gateway's HTTP/2 port: the Connect protocol. */
  gatewayH2c: readonly HostPort[];
  /** The gateway's rate limit service. */
  rateLimit: readonly HostPort[];
  /** Where auth publishes the token keys, at `/.well-known/jwks.json`. */
  jwks: readonly HostPort[];
}

/** What Envoy proves itself with inside the mesh: PEM files, and the domain of the identities that it believes. */
export interface MeshTls {
  chainFile: string;
  keyFile: string;
  authorityFile: string;
  trustDomain: string;
}

/** Bounds that protect the edge and what is behind it. */
export interface Limits {
  /** How long a unary call may take when the client names no deadline, in milliseconds. */
  unaryTimeoutMs: number;
  /** The longest deadline of a unary call that a client may ask for, in milliseconds. */
  maxUnaryTimeoutMs: number;
  /** How long a call waits for the rate limit service before it goes on without, in milliseconds. */
  rateLimitTimeoutMs: number;
  /** Open connections of all clients together; more are refused. */
  maxConnections: number;
  /** Memory at which Envoy begins to shed load, in bytes. */
  maxHeapBytes: number;
}

/** All that the edge's configuration depends on. */
export interface EnvoyOptions {
  /** Production has no plain listener and no reflection, and tells browsers to stay on TLS. */
  mode: 'development' | 'production';
  /** The address that clients reach; `0.0.0.0` for all. */
  host: string;
  /** `plain` is for development only. `admin` is bound to loopback whatever `host` is. */
  ports: { plain: number; tls: number; admin: number };
  /** PEM files of the TLS listener. */
  certificate: { chainFile: string; keyFile: string };
  /** The exact origins whose pages may call, the edge's own included, such as `https://localhost:8443`. */
  allowedOrigins: readonly string[];
  upstreams: Upstreams;
  /** Mutual TLS to all upstreams. Left out only in development: plain text. */
  mesh: MeshTls | undefined;
  /** What access tokens must say of themselves. */
  tokens: {
    issuer: string;
    audience: string;
    /** How old Envoy's copy of the keys may be while auth answers, in seconds. Default 300. */
    keysMaxAgeSeconds?: number;
  };
  /** A file, or `/dev/stdout`. */
  accessLogFile: string;
  /** Proxies of ours in front of Envoy whose `x-forwarded-for` is believed; 0 when clients connect directly. */
  trustedHops: number;
  limits?: Partial<Limits>;
  /** Limits on calls. Default: those of the table. */
  rateLimits?: LimitTable;
}

const DEFAULT_LIMITS: Limits = {
  unaryTimeoutMs: 15_000,
  maxUnaryTimeoutMs: 60_000,
  // The gateway's own decision, with Redis slow, takes less.
  rateLimitTimeoutMs: 50,
  maxConnections: 20_000,
  maxHeapBytes: 1024 * 1024 * 1024,
};

/** The limits in force: those given, defaults for the rest. */
export function limitsOf(options: EnvoyOptions): Limits {
  return { ...DEFAULT_LIMITS, ...options.limits };
}

/** The limits on calls in force. */
export function limitTableOf(options: EnvoyOptions): LimitTable {
  return options.rateLimits ?? LIMITS;
}

/** Refuses what would make an edge that is open by mistake. */
export function checkOptions(options: EnvoyOptions): void {
  if (options.mode === 'production') {
    if (!options.mesh) throw new Error('in production Envoy speaks TLS to its upstreams, and there is no certificate');
    const plain = options.allowedOrigins.filter((origin) => !origin.startsWith('https://'));
    if (plain.length > 0) throw new Error(`production has TLS only, and not https is ${plain.join(', ')}`);
  }
  for (const origin of options.allowedOrigins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new Error(`not an origin (scheme, host and port, nothing else): ${JSON.stringify(origin)}`);
    }
  }
  for (const [name, addresses] of Object.entries(options.upstreams)) {
    if (addresses.length === 0) throw new Error(`the upstream ${name} has no address`);
  }
  if (!Number.isInteger(options.trustedHops) || options.trustedHops < 0) {
    throw new Error(`trustedHops must be 0 or more, got ${options.trustedHops}`);
  }
}
