import { parseConfig } from '@realchat/config';
import { OPEN_METHODS, PUBLIC_SERVICES } from '@realchat/rpc';
import { describe, expect, test } from 'vitest';
import { createCallLimits } from '../call-limits.ts';
import type { RateLimiter } from '../limiter.ts';
import type { Charge } from '../pace.ts';
import { rateLimitSettings } from '../settings.ts';
import { LIMITS, type Limit, limitNames } from '../table.ts';

const rows = Object.entries(LIMITS) as [string, Limit][];
const tableOf = (text: string) => parseConfig(rateLimitSettings, { RATE_LIMITS: text }).RATE_LIMITS;

describe('the table', () => {
  test('limits users by calls that have one, and open methods by address', () => {
    for (const [name, { by, methods = [] }] of rows) {
      const open = methods.filter((method) => OPEN_METHODS.includes(method));
      expect(open.length, name).toBe(by === 'address' ? methods.length : 0);
    }
  });

  test('S-46: is stricter without Redis where passwords are tried', () => {
    for (const [name, { withoutRedis = 1 }] of rows) {
      if (/login|register|password/.test(name)) expect(withoutRedis, name).toBeLessThanOrEqual(0.5);
    }
  });

  test('S-60: what costs much is allowed less often than calls in general', () => {
    const perSecond = ({ count, seconds }: Limit) => count / seconds;
    for (const name of ['search_profiles', 'lists', 'subscribe', 'create_conversation', 'add_members'] as const) {
      expect(perSecond(LIMITS[name]), name).toBeLessThan(perSecond(LIMITS.user));
      expect(LIMITS[name].burst, name).toBeLessThan(LIMITS.user.burst);
    }
  });
});

describe('a call', () => {
  const charged = async (method: string, userId: string | undefined) => {
    let seen: readonly Charge[] = [];
    const limiter: Pick<RateLimiter, 'take'> = {
      take: (charges) => {
        seen = charges;
        return Promise.resolve({ allowed: true, limit: 'user', retryAfterMs: 0, source: 'redis' });
      },
    };
    await createCallLimits(limiter as RateLimiter, LIMITS).admit(method, { address: '2001:db8::1', userId });
    return seen.map(({ name, subject }) => `${name} ${subject}`);
  };

  test('is counted in its own rows first, then in those of all calls', async () => {
    expect(await charged('/realchat.messaging.v1.MessageService/SendMessage', 'ada')).toEqual([
      'send_message ada',
      'user ada',
      'address 2001:db8:0:0::/64',
    ]);
    expect(await charged('/realchat.auth.v1.AuthService/Login', undefined)).toEqual([
      'login_address 2001:db8:0:0::/64',
      'address 2001:db8:0:0::/64',
    ]);
  });

  test('is counted whatever its method is', async () => {
    const paths = PUBLIC_SERVICES.flatMap((service) =>
      service.methods.map((method) => `/${service.typeName}/${method.name}`),
    );
    for (const path of paths) {
      expect((await charged(path, 'ada')).slice(-2), path).toEqual(['user ada', 'address 2001:db8:0:0::/64']);
    }
  });
});

describe('RATE_LIMITS', () => {
  test('unset leaves the table as it is', () => {
    expect(parseConfig(rateLimitSettings, {}).RATE_LIMITS).toEqual(LIMITS);
    expect(tableOf('{}')).toEqual(LIMITS);
  });

  test('raises one, and by a factor all others', () => {
    const table = tableOf('{"*": 10, "send_message": {"count": 7, "seconds": 2, "burst": 3}, "user": 2}');
    expect(table.send_message).toMatchObject({ by: 'user', count: 7, seconds: 2, burst: 3 });
    expect(table.user).toMatchObject({ count: 2 * LIMITS.user.count, burst: 2 * LIMITS.user.burst });
    expect(table.login_address.count).toBe(10 * LIMITS.login_address.count);
    expect(Object.keys(table)).toEqual(limitNames);
  });

  test.each(['{"sendmessage": 2}', '{"*": 0}', '{"user": -1}', '{"user": {"count": 1}}', '[]', 'ten', '"ten"'])(
    'refuses %s',
    (text) => {
      expect(() => tableOf(text)).toThrow(/RATE_LIMITS: expected JSON/);
    },
  );
});
