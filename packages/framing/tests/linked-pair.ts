import type { Accept, Limits, SessionError, SessionFrame } from '../index.ts';
import { Multiplexer } from '../multiplexer.ts';
import { type Credits, watchCredits } from './credits.ts';

/** One end of a pair: what it has written waits until the test delivers it. */
export interface End {
  readonly multiplexer: Multiplexer;
  /** What it wrote and the other end has not received. */
  readonly written: Uint8Array[];
  readonly sessionFrames: SessionFrame[];
  readonly errors: SessionError[];
  readonly applicationErrors: unknown[];
  /** Runs the end of a turn of the event loop. */
  readonly turn: () => void;
  /** Whether its channel takes more after each write. */
  writable: boolean;
}

export interface Pair {
  readonly client: End;
  readonly server: End;
  readonly credits: Credits;
  /** Hands what one end has written to the other, one `Frames`. False: there was none. */
  readonly deliver: (from: 'client' | 'server') => boolean;
  /** Runs turns and deliveries until nothing happens any more. */
  readonly settle: () => void;
}

/** Two multiplexers over a channel that loses nothing; nothing happens unless the test makes it happen. */
export function linkedPair(accept: Accept, limits: Partial<Limits> = {}): Pair {
  const client = createEnd('client', undefined, limits);
  const server = createEnd('server', accept, limits);
  const credits = watchCredits(client.multiplexer.limits);
  const deliver = (from: 'client' | 'server'): boolean => {
    const [sender, receiver] = from === 'client' ? [client, server] : [server, client];
    const bytes = sender.written.shift();
    if (bytes === undefined) return false;
    credits.watch(from, bytes);
    receiver.multiplexer.receive(bytes);
    return true;
  };
  const settle = (): void => {
    do {
      client.turn();
      server.turn();
    } while (deliver('client') || deliver('server'));
  };
  return { client, server, credits, deliver, settle };
}

function createEnd(role: 'client' | 'server', accept: Accept | undefined, limits: Partial<Limits>): End {
  const turns: (() => void)[] = [];
  const sessionFrames: SessionFrame[] = [];
  const errors: SessionError[] = [];
  const applicationErrors: unknown[] = [];
  const written: Uint8Array[] = [];
  const end: End = {
    multiplexer: new Multiplexer({
      role,
      limits,
      channel: {
        write: (bytes) => {
          written.push(bytes);
          return end.writable;
        },
      },
      session: (frame) => void sessionFrames.push(frame),
      failed: (error) => void errors.push(error),
      applicationFailed: (error) => void applicationErrors.push(error),
      schedule: (flush) => void turns.push(flush),
    }),
    written,
    sessionFrames,
    errors,
    applicationErrors,
    turn: () => {
      for (const flush of turns.splice(0)) flush();
    },
    writable: true,
  };
  end.multiplexer.accept = accept;
  return end;
}
