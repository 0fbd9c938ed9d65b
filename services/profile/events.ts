import type { Call } from '@realchat/rpc';
import { Counter, Histogram, type Logger, type Registry } from '@realchat/telemetry';

/** What profile tells of its business. */
export interface Events {
  /** A new account's profile can be seen, so long after the account was made. */
  profileMade(log: Logger, userId: string, delayMs: number): void;
  /** A user changed their own profile. */
  profileUpdated(call: Call): void;
  /** An event came again, and changed nothing. */
  eventRepeated(): void;
  /** An event that says nothing about profiles, or was written by a newer schema. */
  eventSkipped(): void;
}

export function createEvents(registry: Registry): Events {
  const registers = [registry];
  const events = new Counter({
    name: 'realchat_profile_account_events_total',
    help: 'Account events by outcome: applied, repeated (seen before), skipped (not about profiles).',
    labelNames: ['outcome'],
    registers,
  });
  const updates = new Counter({
    name: 'realchat_profile_updates_total',
    help: 'Profiles changed by their owners.',
    registers,
  });
  const delay = new Histogram({
    name: 'realchat_profile_delay_seconds',
    help: "From an account's registration to its profile being visible.",
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30, 300],
    registers,
  });
  return {
    profileMade(log, userId, delayMs) {
      events.inc({ outcome: 'applied' });
      delay.observe(Math.max(0, delayMs) / 1_000);
      log.info({ event: 'profile_made', user_id: userId }, 'profile made');
    },
    profileUpdated(call) {
      updates.inc();
      call.log.info({ event: 'profile_updated', user_id: call.caller.userId }, 'profile updated');
    },
    eventRepeated: () => events.inc({ outcome: 'repeated' }),
    eventSkipped: () => events.inc({ outcome: 'skipped' }),
  };
}
