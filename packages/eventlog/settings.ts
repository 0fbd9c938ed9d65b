import { hostPorts } from '@realchat/config';
import { z } from 'zod';

/** Settings of a process that speaks to the event log. */
export const eventLogSettings = {
  KAFKA_BROKERS: hostPorts.describe('Brokers to start from, comma separated host:port.'),
};

/** Settings of a process that makes topics. */
export const topicSettings = {
  ...eventLogSettings,
  KAFKA_REPLICATION: z.coerce
    .number()
    .int()
    .min(1)
    .max(5)
    .optional()
    .describe(
      'Copies of each partition. Unset: 3, or as many as there are brokers. From 3 on, a write needs 2 of them.',
    ),
};
