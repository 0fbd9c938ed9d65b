import { PresenceState } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { Call } from '@realchat/rpc';
import { Counter, Gauge, type Logger, type Registry } from '@realchat/telemetry';
import type { Ending } from '../domain/endings.ts';

/** What is measured when the metrics are read. */
export interface PresenceLevels {
  /** Users with a session here. */
  present: () => number;
  watches: () => number;
  watchedUsers: () => number;
}

/** What delivery tells of presence. */
export interface PresenceEvents {
  /** Redis did not know this node: its leases are stored anew. */
  registered: (users: number) => void;
  stored: (operation: 'beat' | 'settle' | 'read', outcome: 'done' | 'failed') => void;
  told: (state: PresenceState) => void;
  watchOpened: (call: Call) => void;
  watchEnded: (call: Call, ending: Ending, openMs: number) => void;
  /** It could not be asked whom a watch may see. */
  companionsUnknown: (error: unknown) => void;
}

const STATES: Record<number, string> = {
  [PresenceState.UNSPECIFIED]: 'unknown',
  [PresenceState.ONLINE]: 'online',
  [PresenceState.OFFLINE]: 'offline',
};

export function createPresenceEvents(registry: Registry, log: Logger, levels: PresenceLevels): PresenceEvents {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const level = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  level('realchat_delivery_present_users', 'Users with a stream on this node.', levels.present);
  level('realchat_delivery_watches', 'Streams of presence that are open.', levels.watches);
  level('realchat_delivery_watched_users', 'Users whose presence is watched on this node.', levels.watchedUsers);
  const stored = counter(
    'realchat_delivery_presence_store_total',
    'Calls to Redis for presence, by operation (beat, settle, read) and outcome.',
    ['operation', 'outcome'],
  );
  const told = counter('realchat_delivery_presence_told_total', 'What watches were told, by state.', ['state']);
  const ended = counter('realchat_delivery_watches_ended_total', 'Streams of presence that ended, by reason.', [
    'reason',
  ]);
  return {
    registered(users) {
      if (users > 0) log.info({ users }, 'presence is stored anew');
    },
    stored: (operation, outcome) => stored.inc({ operation, outcome }),
    told: (state) => told.inc({ state: STATES[state] ?? 'unknown' }),
    watchOpened: (call) => call.log.info('watch opened'),
    watchEnded(call, { reason }, openMs) {
      ended.inc({ reason });
      call.log.info({ reason, open_ms: Math.round(openMs) }, 'watch ended');
    },
    companionsUnknown: (error) => log.warn({ err: error }, 'whom a watch may see is not known now; asked again'),
  };
}
