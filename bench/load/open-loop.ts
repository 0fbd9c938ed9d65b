import { setTimeout as delay } from 'node:timers/promises';
import type { ChatClient, ClientKind } from '../clients/chat-client.ts';
import { backlogOf } from './backlog.ts';
import { now } from './clock.ts';
import { Histogram } from './histogram.ts';
import { type Arrival, Ledger } from './ledger.ts';
import { Schedule } from './schedule.ts';
import type { Outcome, Pair, Step } from './step.ts';
import { Texts } from './texts.ts';
import { startTicker } from './ticker.ts';

/** Messages that are due within so much of each other leave together: a thread cannot be woken more often for nothing. */
const LEAST_TICK_MS = 0.5;
const SAMPLE_MS = 100;
/** So many seconds' messages undone, and the run is broken off. */
const MOST_UNDONE_SECONDS = 3;
const START_AHEAD_MS = 200;
/** After the last message was sent: it is over when all came through, or nothing does any more. */
const QUIET_MS = 3_000;
const DRAIN_MS = 25_000;

/** Called when the measured time begins and when it ends. */
export interface Phases {
  measuring(): void;
  measured(): void;
}

/** Sends at a steady rate whatever becomes of it, and keeps account. */
export class OpenLoop {
  readonly #step: Step;
  readonly #kind: ClientKind;
  readonly #texts: Texts;
  readonly #ledger: Ledger;
  readonly #warmUpCount: number;
  readonly #count: number;
  readonly #ack = new Histogram();
  readonly #receive = new Histogram();
  readonly #late = new Histogram();
  readonly #errors: Record<string, number> = {};
  readonly #clients = new Map<string, ChatClient>();
  #schedule: Schedule;

  constructor(step: Step, kind: ClientKind) {
    const { perSecond, warmUpMs, measuredMs } = step;
    this.#step = step;
    this.#kind = kind;
    this.#texts = new Texts(step.run, step.seed);
    this.#warmUpCount = Math.round((perSecond * warmUpMs) / 1000);
    this.#count = this.#warmUpCount + Math.round((perSecond * measuredMs) / 1000);
    this.#ledger = new Ledger(this.#count);
    this.#schedule = new Schedule(0, perSecond, this.#count);
  }

  async run(phases: Phases): Promise<Outcome> {
    await this.#connect();
    const start = now() + START_AHEAD_MS;
    const schedule = new Schedule(start, this.#step.perSecond, this.#count);
    this.#schedule = schedule;
    const { samples, brokenOff } = await this.#send(schedule, phases);
    await this.#drain(schedule.taken);
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
    return this.#outcome(schedule.taken, samples, brokenOff);
  }

  async #connect(): Promise<void> {
    const users = new Map(this.#step.pairs.flatMap(({ users }) => users).map((user) => [user.id, user]));
    for (const user of users.values()) {
      const arrived = (arrival: Arrival) => this.#arrived(user.id, arrival);
      this.#clients.set(user.id, await this.#kind.connect(this.#step.address, user, arrived));
    }
  }

  #send(schedule: Schedule, phases: Phases): Promise<{ samples: number[]; brokenOff: boolean }> {
    const { perSecond } = this.#step;
    const samples: number[] = [];
    return new Promise((resolve) => {
      let measuring = false;
      const end = (brokenOff: boolean) => {
        clearInterval(sampling);
        void ticker.stop();
        if (measuring) phases.measured();
        resolve({ samples, brokenOff });
      };
      const ticker = startTicker(schedule.dueOf(0), Math.max(LEAST_TICK_MS, 1000 / perSecond), () => {
        const [from, to] = schedule.take(now());
        for (let i = from; i < to; i++) this.#sendOne(i);
        if (!measuring && to >= this.#warmUpCount) {
          measuring = true;
          phases.measuring();
        }
        if (to === this.#count) end(false);
      });
      const sampling = setInterval(() => {
        const undone = schedule.taken - this.#through;
        if (measuring) samples.push(undone);
        if (undone > perSecond * MOST_UNDONE_SECONDS) end(true);
      }, SAMPLE_MS);
    });
  }

  #sendOne(index: number): void {
    const { pairs } = this.#step;
    const { conversation, users } = pairs[index % pairs.length] as Pair;
    // The two take turns.
    const sender = users[Math.floor(index / pairs.length) % 2] as Pair['users'][number];
    const due = this.#schedule.dueOf(index);
    this.#record(this.#late, index, now() - due);
    const client = this.#clients.get(sender.id) as ChatClient;
    client.send(conversation, this.#texts.keyOf(index), this.#texts.textOf(index)).then(
      (place) => {
        this.#ledger.ackedAt(index, place);
        this.#record(this.#ack, index, now() - due);
      },
      (error: Error) => {
        this.#ledger.refusedOne();
        this.#errors[error.message] = (this.#errors[error.message] ?? 0) + 1;
      },
    );
  }

  #arrived(userId: string, arrival: Arrival): void {
    // One's own messages come to one's own devices, too.
    if (arrival.sender === userId) return;
    const index = this.#texts.indexOf(arrival.key);
    if (index === undefined) return;
    const isNew = this.#ledger.seenBy(userId, index, arrival, this.#texts.textOf(index));
    if (isNew) this.#record(this.#receive, index, now() - this.#schedule.dueOf(index));
  }

  #record(histogram: Histogram, index: number, milliseconds: number): void {
    if (index >= this.#warmUpCount) histogram.record(milliseconds);
  }

  /** Messages that nothing is waited for any more. */
  get #through(): number {
    const { acked, refused, seen } = this.#ledger;
    return this.#kind.receives ? Math.min(acked + refused, seen + refused) : acked + refused;
  }

  async #drain(sent: number): Promise<void> {
    const deadline = now() + DRAIN_MS;
    let [through, movedAt] = [this.#through, now()];
    while (through < sent && now() < deadline && now() - movedAt < QUIET_MS) {
      await delay(SAMPLE_MS);
      if (this.#through > through) [through, movedAt] = [this.#through, now()];
    }
  }

  #outcome(sent: number, samples: number[], brokenOff: boolean): Outcome {
    const measured = Array.from({ length: sent - Math.min(sent, this.#warmUpCount) }, (_, i) => i + this.#warmUpCount);
    return {
      sent,
      due: measured.length,
      acked: measured.filter((i) => this.#ledger.isAcked(i)).length,
      received: measured.filter((i) => this.#ledger.isSeen(i)).length,
      faults: this.#ledger.faults(sent, this.#kind.receives),
      errors: this.#errors,
      ack: this.#ack.quantiles(),
      receive: this.#receive.quantiles(),
      late: this.#late.quantiles(),
      backlog: backlogOf(samples),
      brokenOff,
    };
  }
}
