import { setTimeout as delay } from 'node:timers/promises';
import { backlogOf, cutSince, type Fault, inFlight, RELAY_BATCH } from './field.ts';

/** F-02: paused for 5 s, and for longer than leases and sessions last; then the process wakes up and goes on as if nothing was. */
export const pauses: Fault[] = (['messaging', 'relay', 'delivery', 'gateway'] as const).map((name): Fault => {
  // A relay's lease ends meanwhile: this is also F-12's, a relay that wakes up past its lease.
  const lasts = name === 'relay' ? 15_000 : 5_000;
  return {
    id: name === 'relay' ? 'F-12' : `F-02-${name}`,
    title: `${name} is frozen for ${lasts / 1000} s and wakes up`,
    recordsTwice: name === 'relay' ? RELAY_BATCH : 0,
    async run(field) {
      const managed = field.mesh.stack.process(name);
      const at = field.journal.now();
      const waiting = inFlight(field);
      const published = (await field.watch.ask()).published;
      managed.pause();
      let mostWaiting = 0;
      let mostBacklog = 0;
      try {
        for (const end = performance.now() + lasts; performance.now() < end; await delay(100)) {
          mostWaiting = Math.max(mostWaiting, inFlight(field));
          mostBacklog = Math.max(mostBacklog, backlogOf(field));
        }
      } finally {
        managed.resume();
      }
      const moved = (field.watch.backlog?.published ?? 0) - published;
      const facts = `${mostWaiting - waiting} more sends waited, ${cutSince(field, at)} were cut, the backlog rose to ${mostBacklog}, ${moved} events were published meanwhile`;
      const bit = name === 'relay' ? mostBacklog > 0 : name === 'delivery' || mostWaiting > waiting;
      return { bit, proof: facts };
    },
  };
});
