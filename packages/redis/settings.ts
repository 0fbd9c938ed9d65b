import { inProduction, mustHavePassword } from '@realchat/config';
import { z } from 'zod';

/** Settings of a process that uses Redis, if only to hear which sessions ended. */
export const redisSettings = {
  REDIS_URL: inProduction(z.url({ protocol: /^rediss?$/ }), mustHavePassword)
    .describe('The Redis that holds what lives for minutes, such as redis://default:secret@127.0.0.1:16379/0.')
    .meta({ secret: true }),
};
