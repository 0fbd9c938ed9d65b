import { CreditSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { decodeFrames } from '../decode.ts';
import { Kind } from '../frame.ts';
import { type Limits, PIECE_OVERHEAD } from '../limits.ts';
import { decode } from '../payload.ts';

/** Reads along on the wire and keeps its own count, apart from the code under test. */
export interface Credits {
  watch(from: 'client' | 'server', frames: Uint8Array): void;
  /** The least credit that any sender had left, over all calls and both directions: never below 0. */
  least(): number;
  /** The most bytes that a single piece had. */
  largestPiece(): number;
  /** How many `Frames` went from an end. */
  writes(from: 'client' | 'server'): number;
}

export function watchCredits(limits: Limits): Credits {
  const left = { client: new Map<number, number>(), server: new Map<number, number>() };
  const writes = { client: 0, server: 0 };
  let least = limits.initialCredit;
  let largestPiece = 0;
  const add = (to: 'client' | 'server', call: number, bytes: number): void => {
    const now = (left[to].get(call) ?? limits.initialCredit) + bytes;
    left[to].set(call, now);
    least = Math.min(least, now);
  };
  return {
    watch(from, frames) {
      writes[from] += 1;
      decodeFrames(frames, ({ call, kind, payload }) => {
        if (kind === Kind.message || kind === Kind.part) {
          largestPiece = Math.max(largestPiece, payload.length);
          add(from, call, -payload.length - PIECE_OVERHEAD);
        } else if (kind === Kind.credit) {
          add(from === 'client' ? 'server' : 'client', call, decode(CreditSchema, payload).bytes);
        }
      });
    },
    least: () => least,
    largestPiece: () => largestPiece,
    writes: (from) => writes[from],
  };
}
