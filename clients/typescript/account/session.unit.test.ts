import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SavedSession } from './saved-session.ts';
import { refreshTime, Session, type SessionPorts, type Tokens } from './session.ts';

const MINUTE = 60_000;
const saved: SavedSession = {
  loginId: 'login',
  userId: 'u',
  username: 'ann',
  accessToken: 'a0',
  refreshToken: 'r0',
  refreshAt: 4 * MINUTE,
};
let session: Session;
let refresh: ReturnType<typeof vi.fn<SessionPorts['refresh']>>;
const seen = { saved: [] as SavedSession[], renewed: [] as string[], ended: [] as string[] };

/** The n-th pair; lives five minutes from now. */
const pair = (n: number): Tokens => ({
  userId: 'u',
  accessToken: `a${n}`,
  refreshToken: `r${n}`,
  accessTokenExpireTime: timestampFromMs(Date.now() + 5 * MINUTE),
});

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  vi.spyOn(Math, 'random').mockReturnValue(0);
  let count = 0;
  refresh = vi.fn(async () => pair(++count));
  Object.assign(seen, { saved: [], renewed: [], ended: [] });
  session = new Session(saved, {
    refresh: (token) => refresh(token),
    save: (each) => seen.saved.push(each),
    renewed: (token) => seen.renewed.push(token),
    ended: (sentence) => seen.ended.push(sentence),
    now: () => Date.now(),
  });
});

afterEach(() => {
  session.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('Session', () => {
  it('renews its token a minute before the end, again and again', async () => {
    await vi.advanceTimersByTimeAsync(4 * MINUTE - 1);
    expect(refresh).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(4 * MINUTE + 1);
    expect(refresh.mock.calls).toEqual([['r0'], ['r1']]);
    expect(seen.renewed).toEqual(['a1', 'a2']);
    expect(seen.saved.at(-1)).toMatchObject({ accessToken: 'a2', refreshToken: 'r2', refreshAt: 12 * MINUTE });
    expect(await session.token()).toBe('a2');
  });

  it('hands out the present token without asking the server while it lives', async () => {
    refresh.mockRejectedValue(new ConnectError('away', Code.Unavailable));
    await vi.advanceTimersByTimeAsync(4.5 * MINUTE);
    expect(await session.token()).toBe('a0');
  });

  it('waits for a new token when it slept past the end of the old one', async () => {
    vi.setSystemTime(60 * MINUTE);
    expect(await session.token()).toBe('a1');
  });

  it('spends each refresh token once, however many calls were refused', async () => {
    expect(await Promise.all(['a0', 'a0', 'a0'].map((refused) => session.renew(refused)))).toEqual(['a1', 'a1', 'a1']);
    expect(await session.renew('a0')).toBe('a1');
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it('tries again when the answer was lost, with the same refresh token and within its ten seconds of grace', async () => {
    const triedAt: number[] = [];
    refresh.mockImplementation(async () => {
      triedAt.push(Date.now());
      if (triedAt.length < 4) throw new ConnectError('lost', Code.Unknown);
      return pair(1);
    });
    const renewed = session.renew('a0');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await renewed).toBe('a1');
    expect(refresh.mock.calls).toEqual([['r0'], ['r0'], ['r0'], ['r0']]);
    expect(triedAt.at(-1)).toBeLessThan(10_000);
  });

  it('ends once when the server refuses the refresh token, and not when auth is merely away', async () => {
    refresh.mockRejectedValue(new ConnectError('away', Code.Unavailable));
    await vi.advanceTimersByTimeAsync(6 * MINUTE);
    expect(seen.ended).toEqual([]);
    refresh.mockRejectedValue(new ConnectError('no', Code.Unauthenticated));
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(seen.ended).toEqual(['The server does not accept your session.']);
    const calls = refresh.mock.calls.length;
    await vi.advanceTimersByTimeAsync(30 * MINUTE);
    expect(refresh).toHaveBeenCalledTimes(calls);
  });

  it('refreshes somewhere in the twenty seconds before that minute, so that many do not come at once', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    expect(refreshTime(pair(1), 0)).toBe(4 * MINUTE - 20_000);
  });

  it('refreshes at a sane pace however wrong the clock of this machine is', () => {
    const tokens = { ...pair(1), accessTokenExpireTime: timestampFromMs(5 * MINUTE) };
    expect(refreshTime(tokens, 0)).toBe(4 * MINUTE);
    expect(refreshTime(tokens, 90 * MINUTE)).toBe(90 * MINUTE + 30_000);
    expect(refreshTime(tokens, -90 * MINUTE)).toBe(-90 * MINUTE + 4 * MINUTE);
    expect(refreshTime({ ...tokens, accessTokenExpireTime: undefined }, 0)).toBe(30_000);
  });
});
