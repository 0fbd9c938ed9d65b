import { hostPort, hostPorts } from '@realchat/config';
import { databaseSettings } from '@realchat/db';
import { eventLogSettings } from '@realchat/eventlog';
import { redisSettings } from '@realchat/redis';
import { rpcSettings } from '@realchat/rpc';
import { telemetrySettings } from '@realchat/telemetry';
import { z } from 'zod';

/** Settings of the messaging process. */
export const messagingSettings = {
  ...telemetrySettings,
  ...rpcSettings,
  ...databaseSettings,
  ...redisSettings,
  INTERNAL_LISTEN: hostPort.describe(
    'Where LogService, MembershipService and MessageFactsService are served to the mesh; never routed by the edge.',
  ),
  UNREAD_AUDIT_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(86_400)
    .default(60)
    .describe(
      'How often some conversations are made anew from their events and compared with what is served, in seconds. 0: never.',
    ),
  AUTH_INTERNAL: hostPorts.describe(
    "Auth's internal listeners, asked whether users exist when a conversation is made, comma separated; a name stands for each address that it has.",
  ),
  MAX_CONVERSATIONS_PER_USER: z.coerce
    .number()
    .int()
    .min(1)
    .default(5_000)
    .describe('With so many conversations a user makes no further one; to be added to others is still possible.'),
};

export type MessagingConfig = z.infer<z.ZodObject<typeof messagingSettings>>;

/** Settings of the relay process. */
export const relaySettings = {
  ...telemetrySettings,
  ...eventLogSettings,
  DATABASE_URL: databaseSettings.DATABASE_URL,
};

export type RelayConfig = z.infer<z.ZodObject<typeof relaySettings>>;
