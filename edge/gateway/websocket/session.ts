import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { closeCodes, Liveness, Multiplexer, type SessionFrame, welcomeOf } from '@realchat/framing';
import { Code } from '@realchat/gen/google/rpc/code';
import { DrainSchema, RefreshedSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { type Caller, RpcError } from '@realchat/rpc';
import type { WebSocket } from 'ws';
import type { GatewayContext } from '../context.ts';
import { admitCall } from './admit-call.ts';
import { WebSocketChannel } from './channel.ts';
import { type Close, closeOfError, reasonText } from './closing.ts';
import { type Credential, verifyHello, verifyRefresh } from './identity.ts';
import { Traffic } from './traffic.ts';

/** So many refreshes may wait for each other; each costs a signature. */
const MAX_REFRESHES = 8;

/** One client's socket, from its hello to its end. `docs/protocol.md` has its states. */
export class SocketSession {
  readonly #context: GatewayContext;
  readonly #socket: WebSocket;
  readonly #clientAddress: string;
  readonly #identified: (caller: Caller) => boolean;
  readonly #traffic: Traffic;
  readonly #channel: WebSocketChannel;
  readonly #multiplexer: Multiplexer;
  readonly #liveness: Liveness;
  readonly #ended = Promise.withResolvers<void>();
  #state: 'greeting' | 'verifying' | 'open' | 'closed' = 'greeting';
  #credential: Credential | undefined;
  /** Until hello has come; then until the token's life is over. */
  #patience: NodeJS.Timeout;
  #refreshing = Promise.resolve();
  #refreshes = 0;
  #unaryCalls = 0;
  #draining = false;
  #leaving = false;
  #close: Close | undefined;

  /** `identified` is asked whether the session may go on with a token; all that it goes on with are of one login. */
  constructor(
    context: GatewayContext,
    socket: WebSocket,
    clientAddress: string,
    identified: (caller: Caller) => boolean,
  ) {
    this.#identified = identified;
    this.#traffic = new Traffic(context.limitTable);
    this.#context = context;
    this.#socket = socket;
    this.#clientAddress = clientAddress;
    this.#channel = new WebSocketChannel(socket, {
      stalledMs: context.patience.stalledMs,
      written: (bytes) => context.events.frames('out', bytes),
      writable: () => this.#multiplexer.writable(),
      tooSlow: () => this.close(closeCodes.tooSlow, 'the client does not read'),
    });
    this.#multiplexer = new Multiplexer({
      role: 'server',
      channel: this.#channel,
      session: (frame) => this.#frame(frame),
      failed: ({ reason, message }) =>
        this.close(reason === 'too_many_calls' ? closeCodes.tooManyCalls : closeCodes.protocolError, message),
      applicationFailed: (error) => context.events.failed(error),
    });
    this.#liveness = new Liveness({
      ...context.patience.liveness,
      ping: () => socket.ping(),
      dead: () => this.close(closeCodes.tooSlow, 'no answer to a ping'),
    });
    this.#patience = setTimeout(() => this.close(closeCodes.noHello, 'no hello in time'), context.patience.helloMs);
    this.#listen();
    context.events.socketOpened();
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Settles when the socket has closed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Asks the client to connect elsewhere, now: from here on its calls are refused. */
  drain(): void {
    this.#draining = true;
    if (this.#state !== 'open') return;
    this.#multiplexer.send({ case: 'drain', value: create(DrainSchema, { reconnectAfter: durationFromMs(0) }) });
  }

  /** Closes as soon as no unary call is open; streams have no end to wait for. */
  leave(): void {
    this.#leaving = true;
    if (this.#unaryCalls === 0) this.close(closeCodes.restart, 'this gateway is stopping');
  }

  close(close: Close, reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#close = close;
    if (close === closeCodes.restart) this.#multiplexer.flush();
    this.#stop();
    this.#socket.close(close.code, reasonText(reason));
  }

  #listen(): void {
    const heard = (): void => this.#liveness.heard();
    this.#socket.on('message', (data: Buffer, isBinary: boolean) => {
      heard();
      this.#context.events.frames('in', data.length);
      if (!this.#traffic.take(data.length)) this.close(closeCodes.overLimit, 'RATE_LIMITED');
      else if (isBinary) this.#multiplexer.receive(data);
      else this.close(closeCodes.protocolError, 'a text message');
    });
    this.#socket.on('ping', heard);
    this.#socket.on('pong', heard);
    this.#socket.on('error', (error) => {
      this.#close ??= closeOfError(error);
    });
    this.#socket.on('close', (code, reason) => {
      this.#state = 'closed';
      this.#stop();
      this.#context.events.socketClosed(this.#close?.code ?? code, reason.toString());
      this.#ended.resolve();
    });
  }

  #stop(): void {
    clearTimeout(this.#patience);
    this.#liveness.stop();
    this.#channel.close();
    this.#multiplexer.close();
  }

  #frame(frame: SessionFrame): void {
    if (frame.case === 'hello' && this.#state === 'greeting') this.#hello(frame.value.accessToken);
    else if (frame.case === 'refresh' && this.#state === 'open') this.#refresh(frame.value.accessToken);
    else if (frame.case !== 'pong') this.close(closeCodes.protocolError, `${frame.case} out of place`);
  }

  #hello(token: string): void {
    this.#state = 'verifying';
    clearTimeout(this.#patience);
    verifyHello(this.#context.tokens, token)
      .then((credential) => this.#welcome(credential))
      .catch((error: unknown) => this.#refuse(error));
  }

  #welcome(credential: Credential | undefined): void {
    if (this.#state !== 'verifying') return;
    this.#state = 'open';
    const lifetime = credential && this.#take(credential);
    if (this.#isClosed) return;
    const caller = {
      clientAddress: this.#clientAddress,
      token: () => this.#credential?.token,
      userId: () => this.#credential?.caller.userId,
      draining: () => this.#draining,
      unaryCalls: (change: 1 | -1) => this.#unary(change),
    };
    this.#multiplexer.accept = (call) => admitCall(this.#context, caller, call);
    this.#multiplexer.send({ case: 'welcome', value: welcomeOf(this.#multiplexer.limits, lifetime) });
  }

  #refresh(token: string): void {
    this.#refreshes += 1;
    if (this.#refreshes > MAX_REFRESHES) {
      this.close(closeCodes.protocolError, 'too many refreshes at once');
      return;
    }
    // One after the other, so that the last token sent is the one that stays.
    this.#refreshing = this.#refreshing
      .then(() => verifyRefresh(this.#context.tokens, token, this.#credential))
      .then((credential) => this.#refreshed(credential))
      .catch((error: unknown) => this.#refuse(error));
  }

  #refreshed(credential: Credential): void {
    this.#refreshes -= 1;
    if (this.#state !== 'open') return;
    const lifetime = this.#take(credential);
    if (this.#isClosed) return;
    const tokenLifetime = durationFromMs(lifetime);
    this.#multiplexer.send({ case: 'refreshed', value: create(RefreshedSchema, { tokenLifetime }) });
  }

  /** Goes on with a token until its life is over, if it may; returns how long that is, in milliseconds. */
  #take(credential: Credential): number {
    const lifetime = Math.max(0, credential.caller.expiresAt - Date.now());
    if (!this.#identified(credential.caller)) {
      this.close(closeCodes.overLimit, 'TOO_MANY_SOCKETS');
      return 0;
    }
    this.#credential = credential;
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.close(closeCodes.unauthenticated, 'TOKEN_EXPIRED'), lifetime);
    return lifetime;
  }

  #refuse(error: unknown): void {
    if (!(error instanceof RpcError)) {
      this.#context.events.failed(error);
      this.close(closeCodes.internalError, 'internal error');
    } else if (error.code === Code.UNAUTHENTICATED) this.close(closeCodes.unauthenticated, error.reason);
    else this.close(closeCodes.tryLater, error.reason);
  }

  #unary(change: 1 | -1): void {
    this.#unaryCalls += change;
    if (this.#leaving) this.leave();
  }
}
