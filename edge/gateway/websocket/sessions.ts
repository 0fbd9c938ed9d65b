import { closeCodes } from '@realchat/framing';
import type { WebSocket } from 'ws';
import type { GatewayContext } from '../context.ts';
import { SocketSession } from './session.ts';

/** All sockets of this gateway. */
export class Sessions {
  readonly #context: GatewayContext;
  readonly #sessions = new Set<SocketSession>();
  /** By the login that their tokens are of. */
  readonly #ofLogin = new Map<string, Set<SocketSession>>();

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  get full(): boolean {
    return this.#sessions.size >= this.#context.maxSockets;
  }

  open(socket: WebSocket, clientAddress: string): void {
    const session: SocketSession = new SocketSession(this.#context, socket, clientAddress, (loginId) => {
      const ofLogin = this.#ofLogin.get(loginId) ?? new Set();
      this.#ofLogin.set(loginId, ofLogin.add(session));
    });
    this.#sessions.add(session);
    void session.ended.then(() => this.#remove(session));
  }

  /** Closes the sockets of a login that has ended. */
  endLogin(loginId: string): void {
    for (const session of this.#ofLogin.get(loginId) ?? []) session.close(closeCodes.unauthenticated, 'TOKEN_REVOKED');
  }

  /**
   * Has every client go elsewhere. Each is given a time of its own within `spreadMs`, so that they do not come back all at
   * once, and is closed then, or when its unary calls are over; after `graceMs` all are closed. Settles when all are gone.
   */
  async drain(spreadMs: number, graceMs: number): Promise<void> {
    const sessions = [...this.#sessions];
    const timers = sessions.map((session) => {
      const after = Math.floor(Math.random() * spreadMs);
      session.drain(after);
      return setTimeout(() => session.leave(), after);
    });
    const overdue = setTimeout(() => {
      for (const session of sessions) session.close(closeCodes.restart, 'this gateway has stopped');
    }, graceMs);
    await Promise.all(sessions.map((session) => session.ended));
    for (const timer of [...timers, overdue]) clearTimeout(timer);
  }

  #remove(session: SocketSession): void {
    this.#sessions.delete(session);
    const { loginId } = session;
    if (loginId === undefined) return;
    const ofLogin = this.#ofLogin.get(loginId);
    ofLogin?.delete(session);
    if (ofLogin?.size === 0) this.#ofLogin.delete(loginId);
  }
}
