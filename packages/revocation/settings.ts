import { z } from 'zod';

/** Settings of a process that verifies access tokens, or ends sessions. */
export const revocationSettings = {
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .describe('The Redis that holds what lives for minutes, such as redis://default:secret@127.0.0.1:16379/0.')
    .meta({ secret: true }),
};
