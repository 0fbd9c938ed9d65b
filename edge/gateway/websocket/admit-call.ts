import type { IncomingCall, IncomingCallListener } from '@realchat/framing';
import type { RpcError } from '@realchat/rpc';
import type { GatewayContext } from '../context.ts';
import { recordCall } from '../relay/call-record.ts';
import { deadlineOf } from '../relay/deadline.ts';
import { fromFrames, toBackend } from '../relay/metadata.ts';
import { refusals } from '../relay/refusals.ts';
import { relayCall } from './relay-call.ts';

/** Who makes the calls of a socket. */
export interface SocketCaller {
  /** The newest token; undefined for a session without one. */
  readonly token: () => string | undefined;
  readonly clientAddress: string;
  /** A call that has an end of its own begins, or is over. */
  readonly unaryCalls: (change: 1 | -1) => void;
}

/** Takes a call of a socket: to its backend if it may be made, else to its refusal. */
export function admitCall(context: GatewayContext, caller: SocketCaller, call: IncomingCall): IncomingCallListener {
  const { method, metadata, timeoutMs } = call.request;
  const route = context.routes.get(method);
  const record = recordCall(context, route, 'websocket', metadata.find(({ name }) => name === 'traceparent')?.text);
  if (route === undefined) return refuse(call, refusals.unknownMethod(), record.ended);
  if (context.stopping.aborted) return refuse(call, refusals.draining(), record.ended);
  const token = caller.token();
  if (!route.open && token === undefined) return refuse(call, refusals.tokenMissing(), record.ended);
  if (route.unary) caller.unaryCalls(1);
  return relayCall(call, {
    channel: context.backends.channel(route.backend),
    path: route.path,
    unary: route.unary,
    metadata: toBackend(fromFrames(metadata), { ...record, token, clientAddress: caller.clientAddress }),
    deadline: deadlineOf(route, timeoutMs),
    ended: (code) => {
      record.ended(code);
      if (route.unary) caller.unaryCalls(-1);
    },
  });
}

function refuse(call: IncomingCall, why: RpcError, ended: (code: number) => void): IncomingCallListener {
  call.end(why.toStatus());
  return { message: () => {}, closed: ({ code }) => ended(code) };
}
