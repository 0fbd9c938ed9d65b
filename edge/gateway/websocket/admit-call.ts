import type { IncomingCall, IncomingCallListener } from '@realchat/framing';
import { Code, RpcError } from '@realchat/rpc';
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
  /** Whose token it is. */
  readonly userId: () => string | undefined;
  readonly clientAddress: string;
  /** The client was asked to go elsewhere. */
  readonly draining: () => boolean;
  /** A call that has an end of its own begins, or is over. */
  readonly unaryCalls: (change: 1 | -1) => void;
}

/** Takes a call of a socket: to its backend if it may be made, else to its refusal. */
export function admitCall(context: GatewayContext, caller: SocketCaller, call: IncomingCall): IncomingCallListener {
  const { method, metadata, timeoutMs } = call.request;
  const route = context.routes.get(method);
  const record = recordCall(context, route, 'websocket', metadata.find(({ name }) => name === 'traceparent')?.text);
  if (route === undefined) return refuse(call, refusals.unknownMethod(), record.ended);
  if (caller.draining()) return refuse(call, refusals.draining(), record.ended);
  const token = caller.token();
  if (!route.open && token === undefined) return refuse(call, refusals.tokenMissing(), record.ended);
  if (route.unary) caller.unaryCalls(1);
  const deadline = deadlineOf(route, timeoutMs);
  const ended = (code: number): void => {
    record.ended(code);
    if (route.unary) caller.unaryCalls(-1);
  };
  const refusal = context.limits.admit(route.path, { address: caller.clientAddress, userId: caller.userId() });
  const failed = (error: unknown): void => {
    context.events.failed(error);
    call.abort(new RpcError(Code.INTERNAL, 'INTERNAL', 'an internal error occurred').toStatus());
  };
  return afterDecision(call, { ended, failed }, refusal, () =>
    relayCall(call, {
      channel: context.backends.channel(route.backend),
      path: route.path,
      unary: route.unary,
      metadata: toBackend(fromFrames(metadata), { ...record, token, clientAddress: caller.clientAddress }),
      deadline,
      ended,
    }),
  );
}

/** Holds a call until it is known whether it may be made. */
function afterDecision(
  call: IncomingCall,
  { ended, failed }: { ended: (code: number) => void; failed: (error: unknown) => void },
  refusal: Promise<RpcError | undefined>,
  open: () => IncomingCallListener,
): IncomingCallListener {
  let listener: IncomingCallListener = { message: () => {}, closed: ({ code }) => ended(code) };
  let over = false;
  call.pause();
  refusal
    .then((why) => {
      if (over) return;
      if (why) call.end(why.toStatus());
      else listener = open();
      call.resume();
    })
    .catch(failed);
  return {
    message: (message) => listener.message(message),
    halfClosed: () => listener.halfClosed?.(),
    drained: () => listener.drained?.(),
    closed: (status) => {
      over = true;
      listener.closed(status);
    },
  };
}

function refuse(call: IncomingCall, why: RpcError, ended: (code: number) => void): IncomingCallListener {
  call.end(why.toStatus());
  return { message: () => {}, closed: ({ code }) => ended(code) };
}
