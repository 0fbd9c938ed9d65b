import { hostPorts } from '@realchat/config';

/** Settings of a process that speaks to the event log. */
export const eventLogSettings = {
  KAFKA_BROKERS: hostPorts.describe('Brokers to start from, comma separated host:port.'),
};
