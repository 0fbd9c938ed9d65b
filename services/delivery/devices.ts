import type { Pool } from '@realchat/db';
import { purgeDevices } from './db/purge-devices.ts';
import { readLastSeen } from './db/read-last-seen.ts';
import { writeDevices } from './db/write-devices.ts';
import type { CursorPlace } from './domain/cursor.ts';
import { DeviceNotes } from './domain/device-notes.ts';
import type { PresenceFact } from './domain/presence.ts';
import type { Events } from './events.ts';
import { within } from './within.ts';

/** What is kept of devices: how far each has come, and when it was last here. Nobody waits for the database. */
export interface Devices {
  /** Devices of which something is to be written. */
  readonly waiting: number;
  start(): void;
  /** Writes what is still to be written. */
  stop(): Promise<void>;
  /** A device has everything up to there. Returns at once. */
  acknowledged(userId: string, deviceId: string, place: CursorPlace): void;
  /** A device is here. Returns at once. */
  seen(userId: string, deviceId: string): void;
  /** Says of offline users when they were last here, where that is not known otherwise and the database tells it soon. */
  withLastSeen(facts: PresenceFact[]): Promise<PresenceFact[]>;
}

const WRITE_MS = 1_000;
const DEVICES_AT_ONCE = 1_000;
/** More than these, and what comes of further devices is dropped while the database is away. */
const MAX_WAITING = 100_000;
const PURGE_MS = 3_600_000;
const KEPT_DAYS = 90;
/** An answer that takes longer is gone without, and for a while nothing is asked. */
const READ_MS = 300;
const PAUSE_MS = 5_000;

export function createDevices(
  pool: Pool,
  events: Pick<Events, 'devicesWritten' | 'deviceDropped' | 'devicesPurged'>,
): Devices {
  const notes = new DeviceNotes(MAX_WAITING);
  let writing: Promise<void> | undefined;
  let timers: NodeJS.Timeout[] = [];
  let askAgainAt = 0;

  const write = async (): Promise<void> => {
    while (notes.size > 0) {
      const taken = notes.take(DEVICES_AT_ONCE);
      try {
        await writeDevices(pool, taken);
        events.devicesWritten(taken.length);
      } catch (error) {
        events.devicesWritten(taken.length, error);
        for (const note of taken) notes.add(note);
        return;
      }
    }
  };

  const writeOnce = (): Promise<void> => {
    writing ??= write().finally(() => {
      writing = undefined;
    });
    return writing;
  };

  const add = (userId: string, deviceId: string, place: CursorPlace | undefined): void => {
    const now = Date.now();
    const note = { userId, deviceId, place, acknowledgedAt: place ? now : 0, seenAt: now };
    if (!notes.add(note)) events.deviceDropped();
  };

  return {
    get waiting() {
      return notes.size;
    },
    start() {
      timers = [
        setInterval(() => void writeOnce(), WRITE_MS),
        setInterval(() => {
          purgeDevices(pool, KEPT_DAYS).then(
            (count) => events.devicesPurged(count),
            (error: unknown) => events.devicesPurged(0, error),
          );
        }, PURGE_MS),
      ];
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await writing;
      await writeOnce();
    },
    acknowledged: add,
    seen: (userId, deviceId) => add(userId, deviceId, undefined),
    async withLastSeen(facts) {
      const asked = facts.filter(({ online, seenAt }) => !online && seenAt === 0).map(({ userId }) => userId);
      if (asked.length === 0 || performance.now() < askAgainAt) return facts;
      const found = await within(READ_MS, readLastSeen(pool, asked));
      if (!found) askAgainAt = performance.now() + PAUSE_MS;
      return facts.map((fact) =>
        fact.online ? fact : { ...fact, seenAt: fact.seenAt || (found?.get(fact.userId) ?? 0) },
      );
    },
  };
}
