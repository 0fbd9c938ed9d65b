import { hostPort, hostPorts, inProduction, mustBeRandom } from '@realchat/config';
import { databaseSettings } from '@realchat/db';
import { eventLogSettings } from '@realchat/eventlog';
import { redisSettings } from '@realchat/redis';
import { rpcSettings } from '@realchat/rpc';
import { telemetrySettings } from '@realchat/telemetry';
import { z } from 'zod';

const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Settings of the delivery process. */
export const deliverySettings = {
  ...telemetrySettings,
  ...rpcSettings,
  ...eventLogSettings,
  ...redisSettings,
  ...databaseSettings,
  INTERNAL_LISTEN: hostPort.describe('Where DeliveryFactsService is served to the mesh; never routed by the edge.'),
  MESSAGING_INTERNAL: hostPorts.describe(
    "Messaging's internal listeners, where the event log is read from the database, comma separated; a name stands for each address that it has.",
  ),
  CURSOR_SECRET: inProduction(z.string().min(32), mustBeRandom)
    .describe('Authenticates cursors; the same on every instance. With another one, all cursors are refused.')
    .meta({ secret: true }),
  MAX_STREAMS: count(1, 1_000_000).default(20_000).describe('The most streams that this process serves at once.'),
  MAX_STREAMS_PER_USER: count(1, 10_000).default(20).describe('The most streams of one user at once.'),
  MAX_WATCHES_PER_USER: count(1, 10_000).default(10).describe('The most streams of presence of one user at once.'),
  PRESENCE_LEASE_MS: count(1_000, 600_000)
    .default(15_000)
    .describe('How long the sessions of a process that died are still held to be open, in milliseconds.'),
  PRESENCE_PATIENCE_MS: count(100, 600_000)
    .default(10_000)
    .describe(
      'How long a user counts as online after their last session, in milliseconds; the same on every instance.',
    ),
  MAX_REPLAY_EVENTS: count(1, 10_000)
    .default(2_000)
    .describe('The most missed events that a stream replays; with more it is reset.'),
  SESSION_QUEUE_BYTES: count(65_536, 1_073_741_824)
    .default(1_048_576)
    .describe('The most bytes that wait for one slow reader; with more its stream is reset and ends.'),
  SESSION_QUEUE_FRAMES: count(16, 1_000_000)
    .default(1_000)
    .describe('The most frames that wait for one slow reader; with more its stream is reset and ends.'),
  NODE_QUEUE_BYTES: count(1_048_576, 68_719_476_736)
    .default(268_435_456)
    .describe('The most bytes that wait for all slow readers of this process together.'),
  DRAIN_MS: count(0, 5_000)
    .default(2_000)
    .describe('Over how many milliseconds the streams are ended when the process stops.'),
};

export type DeliveryConfig = z.infer<z.ZodObject<typeof deliverySettings>>;
