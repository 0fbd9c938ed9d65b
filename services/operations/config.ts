import { databaseSettings } from '@realchat/db';
import { eventLogSettings } from '@realchat/eventlog';
import { redisSettings } from '@realchat/redis';
import { rpcSettings } from '@realchat/rpc';
import { telemetrySettings } from '@realchat/telemetry';
import type { z } from 'zod';

/** Settings of the operations process. */
export const operationsSettings = {
  ...telemetrySettings,
  ...rpcSettings,
  ...databaseSettings,
  ...eventLogSettings,
  ...redisSettings,
};

export type OperationsConfig = z.infer<z.ZodObject<typeof operationsSettings>>;
