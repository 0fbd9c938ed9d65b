import { inProduction, mustHavePassword } from '@realchat/config';
import { z } from 'zod';

/** Settings of a process that keeps data in Postgres. */
export const databaseSettings = {
  DATABASE_URL: inProduction(z.string().min(1), mustHavePassword)
    .describe("The service's own database, as its own role: postgres://role:password@host:port/name.")
    .meta({ secret: true }),
  DATABASE_POOL_SIZE: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('The most connections that this process opens, besides those of group commit and of wake-up hints.'),
};
