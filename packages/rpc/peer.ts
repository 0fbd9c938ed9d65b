import { X509Certificate } from 'node:crypto';
import type { DescMethod } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import { Code } from '@realchat/gen/google/rpc/code';
import type { Identity } from '@realchat/identity';
import type { Logger } from '@realchat/telemetry';
import type { CallMetrics } from './call-metrics.ts';
import { callersOf } from './callers.ts';
import { RpcError } from './rpc-error.ts';

type ServerCall = Pick<grpc.ServerUnaryCall<unknown, unknown>, 'getAuthContext' | 'getPeer'>;

/** Lets calls through whose peer may make them. Throws PERMISSION_DENIED (CALLER_NOT_ALLOWED). */
export type PeerCheck = (method: DescMethod, call: ServerCall) => void;

/** Checks peers against the table of callers; lets everyone through when this process has no identity itself. */
export function createPeerCheck(
  identity: Identity | undefined,
  { log, metrics }: { log: Logger; metrics: CallMetrics },
): PeerCheck {
  if (!identity) return () => {};
  const known = new WeakMap<object, Peer>();

  const peerOf = (call: ServerCall): Peer => {
    const connection = connectionOf(call);
    const before = connection && known.get(connection);
    if (before) return before;
    const certificate = call.getAuthContext().sslPeerCertificate?.raw;
    const names = certificate && new X509Certificate(certificate).subjectAltName;
    const peer = { name: identity.nameOfPeer(names) ?? 'unknown', told: false };
    if (connection) known.set(connection, peer);
    return peer;
  };

  return (method, call) => {
    const peer = peerOf(call);
    if (callersOf(method.parent).includes(peer.name)) return;
    metrics.callerRefused(peer.name);
    const rpc = `${method.parent.typeName}/${method.name}`;
    if (!peer.told) log.warn({ caller: peer.name, peer: call.getPeer(), rpc }, 'caller refused');
    peer.told = true;
    throw new RpcError(Code.PERMISSION_DENIED, 'CALLER_NOT_ALLOWED', 'this process may not call this service');
  };
}

/** Who is at the other end of a connection. */
interface Peer {
  readonly name: string;
  /** The log has it already that it was refused. */
  told: boolean;
}

/**
 * The connection of a call, to ask for its certificate once: grpc-js decodes it anew for each call. Where it keeps the
 * connection is no promise of its own, so without one each call is asked.
 */
function connectionOf(call: object): object | undefined {
  const session = (call as { call?: { stream?: { session?: unknown } } }).call?.stream?.session;
  return typeof session === 'object' && session !== null ? session : undefined;
}
