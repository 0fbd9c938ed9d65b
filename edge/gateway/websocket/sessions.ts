import { closeCodes } from '@realchat/framing';
import { addressKey } from '@realchat/limits';
import type { Caller } from '@realchat/rpc';
import type { WebSocket } from 'ws';
import type { GatewayContext } from '../context.ts';
import { Counted } from './counted.ts';
import { SocketSession } from './session.ts';

/** From the word to go elsewhere until the socket is closed: for calls that crossed it on the way to be refused in words. */
const LEAVE_MS = 300;

/**
 * All sockets of this gateway. Where there may be no more, the newest is refused: those that are open are never given up
 * for another, so that nobody can push anyone out.
 */
export class Sessions {
  readonly #context: GatewayContext;
  readonly #sessions = new Set<SocketSession>();
  /** Whose they are, once that is known. */
  readonly #callers = new Map<SocketSession, Caller>();
  /** By the login that their tokens are of. */
  readonly #ofLogin = new Map<string, Set<SocketSession>>();
  readonly #ofUser = new Counted();
  readonly #ofAddress = new Counted();

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  get full(): boolean {
    return this.#sessions.size >= this.#context.maxSockets.all;
  }

  /** Whether a client address has as many sockets as it may. */
  isFullFor(clientAddress: string): boolean {
    return this.#ofAddress.of(addressKey(clientAddress)) >= this.#context.maxSockets.perAddress;
  }

  open(socket: WebSocket, clientAddress: string): void {
    const over = this.#context.traffic.begin();
    const address = addressKey(clientAddress);
    const session: SocketSession = new SocketSession(this.#context, socket, clientAddress, (caller) =>
      this.#identify(session, caller),
    );
    this.#sessions.add(session);
    this.#ofAddress.add(address);
    void session.ended.then(() => {
      over();
      this.#ofAddress.remove(address);
      this.#remove(session);
    });
  }

  /** Closes the sockets of a login that has ended. */
  endLogin(loginId: string): void {
    for (const session of this.#ofLogin.get(loginId) ?? []) session.close(closeCodes.unauthenticated, 'TOKEN_REVOKED');
  }

  /**
   * Has every client go elsewhere. Each has a moment of its own within `spreadMs`, so that they do not come all at once, and is
   * served until then; soon after it, or when its unary calls are over, its socket is closed. After `graceMs` all are. Settles
   * when all are gone.
   */
  async drain(spreadMs: number, graceMs: number): Promise<void> {
    const sessions = [...this.#sessions];
    const timers = sessions.flatMap((session) => {
      const after = Math.random() * spreadMs;
      return [setTimeout(() => session.drain(), after), setTimeout(() => session.leave(), after + LEAVE_MS)];
    });
    const overdue = setTimeout(() => {
      for (const session of sessions) session.close(closeCodes.restart, 'this gateway has stopped');
    }, graceMs);
    await Promise.all(sessions.map((session) => session.ended));
    for (const timer of [...timers, overdue]) clearTimeout(timer);
  }

  /** False when the user has as many sockets as there may be. */
  #identify(session: SocketSession, caller: Caller): boolean {
    if (this.#callers.has(session)) return true;
    if (this.#ofUser.of(caller.userId) >= this.#context.maxSockets.perUser) return false;
    this.#callers.set(session, caller);
    this.#ofUser.add(caller.userId);
    const ofLogin = this.#ofLogin.get(caller.sessionId) ?? new Set();
    this.#ofLogin.set(caller.sessionId, ofLogin.add(session));
    return true;
  }

  #remove(session: SocketSession): void {
    this.#sessions.delete(session);
    const caller = this.#callers.get(session);
    if (caller === undefined) return;
    this.#callers.delete(session);
    this.#ofUser.remove(caller.userId);
    const ofLogin = this.#ofLogin.get(caller.sessionId);
    ofLogin?.delete(session);
    if (ofLogin?.size === 0) this.#ofLogin.delete(caller.sessionId);
  }
}
