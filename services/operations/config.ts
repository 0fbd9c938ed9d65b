import { hostPorts } from '@realchat/config';
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
  MESSAGING_INTERNAL: hostPorts.describe(
    "Messaging's internal listeners, asked where a message stands, comma separated; a name stands for each address that it has.",
  ),
  DELIVERY_INTERNAL: hostPorts.describe(
    "Delivery's internal listeners, each of which is asked what it knows, comma separated; a name stands for each address that it has.",
  ),
};

export type OperationsConfig = z.infer<z.ZodObject<typeof operationsSettings>>;
