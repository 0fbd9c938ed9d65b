import type { Ports } from './ports.ts';

/**
 * One listener of Kafka per client process, so that a test can put a proxy before one client and cut off that one alone.
 * MESSAGING is the relay's; ADMIN is the launcher's and the broker's own.
 */
export const kafkaListeners = ['ADMIN', 'AUTH', 'PROFILE', 'MESSAGING', 'DELIVERY'] as const;
export type KafkaListener = (typeof kafkaListeners)[number];

/** The port of each listener. */
export function kafkaPorts(ports: Ports): Record<KafkaListener, number> {
  return {
    ADMIN: ports.kafkaAdmin,
    AUTH: ports.kafkaAuth,
    PROFILE: ports.kafkaProfile,
    MESSAGING: ports.kafkaMessaging,
    DELIVERY: ports.kafkaDelivery,
  };
}
