/**
 * One listener of Kafka per client process, so that a test can put a proxy before one client and cut off that one alone.
 * MESSAGING is the relay's; ADMIN is the launcher's and the broker's own.
 */
export const kafkaListeners = ['ADMIN', 'AUTH', 'PROFILE', 'MESSAGING', 'DELIVERY'] as const;
export type KafkaListener = (typeof kafkaListeners)[number];
