import type { Stored } from '../history/history.ts';
import type { Line, Said, Seen } from '../history/line.ts';
import { insideLines, type Pick } from './made-inside.ts';

export interface Size {
  users: number;
  conversations: number;
  messages: number;
}

const SHARDS = 3;
const RESIDENT = { rss: 100, handles: 10 };
/** Between messages, in milliseconds: more come after the fault, so that what is refused does not look like a lower rate. */
const FAULT_MESSAGES = 4;
const PACE = { before: 100, after: 70 };

/**
 * The history that a flawless product would have left: some users in some conversations of which they come and go, sends
 * that are repeated, retried or refused, devices that are shown some events twice or have to list them after a reset, a
 * topic with repeats, a fault that bit, one device that logs out.
 */
export function makeLines(pick: Pick, size: Size): Line[] {
  const maker = new Maker(pick, size);
  maker.make();
  return maker.lines;
}

class Maker {
  readonly lines: Line[] = [];
  readonly #pick: Pick;
  readonly #size: Size;
  readonly #users: string[];
  readonly #members = new Map<string, Set<string>>();
  readonly #seqs = new Map<string, number>();
  readonly #numbers = new Map<string, number>();
  readonly #heads = new Map<number, number>();
  /** What each user may see, in the order in which it was committed. */
  readonly #visible = new Map<string, Seen[]>();
  readonly #stored: Stored[] = [];
  #clock = 0;
  #isFault = false;
  #calls = 0;

  constructor(pick: Pick, size: Size) {
    this.#pick = pick;
    this.#size = size;
    this.#users = Array.from({ length: size.users }, (_, i) => `user-${i}`);
  }

  make(): void {
    this.lines.push({ at: 0, type: 'run', seed: 1, commit: 'none', mesh: 'own', faults: ['F-00'] });
    this.lines.push({ at: this.#now(), type: 'sample', process: 'messaging', ...RESIDENT });
    this.#clock += 60_000;
    for (const user of this.#users) {
      const device = `${user}-device`;
      this.#visible.set(user, []);
      this.lines.push({ at: this.#now(), type: 'client', device, user, transport: 'none', sees: 'events' });
      this.lines.push({ at: this.#now(), type: 'stream', device, op: 'open' });
      this.lines.push({ at: this.#now(), type: 'stream', device, op: 'live' });
    }
    for (let i = 0; i < this.#size.conversations; i++) {
      const owner = this.#users[i % this.#users.length] ?? '';
      const others = this.#users.filter((user) => user !== owner && this.#pick(2) === 0);
      this.#change('create', `conversation-${i}`, [owner, ...others]);
    }
    for (let i = 0; i < this.#size.messages; i++) {
      const half = Math.floor(this.#size.messages / 2);
      if (i === half) this.#beginFault();
      if (i === half + FAULT_MESSAGES) this.#healFault();
      this.#clock += i < half ? PACE.before : PACE.after;
      if (this.#pick(8) === 0) this.#comeOrGo();
      this.#send(i);
    }
    this.#observe();
    this.#readBack();
    this.lines.push(...insideLines(this.#stored, this.#now(), this.#pick));
    this.#logOut();
  }

  #send(i: number): void {
    const conversation = `conversation-${this.#pick(this.#size.conversations)}`;
    const user = this.#choose([...(this.#members.get(conversation) ?? [])]);
    const said = { sender: user, key: `key-${i}`, hash: `hash-${i}` };
    const invoke = () => {
      const { key, hash } = said;
      const device = `${user}-device`;
      const call = ++this.#calls;
      this.lines.push({ at: this.#now(), type: 'send', op: 'invoke', call, device, user, conversation, key, hash });
      return call;
    };
    const first = invoke();
    const twin = this.#pick(8) === 0 ? invoke() : undefined;
    const lose = (call: number) =>
      this.lines.push({ at: this.#now(), type: 'send', op: 'info', call, reason: 'UNAVAILABLE' });
    let tries = 1 + this.#pick(2);
    if (twin !== undefined) {
      for (const call of [first, twin]) lose(call);
      tries = 2;
    } else if (!this.#isFault && this.#pick(20) === 0) {
      const reason = 'RESOURCE_EXHAUSTED';
      this.lines.push({ at: this.#now(), type: 'send', op: 'fail', call: first, reason });
      if (this.#pick(2) === 0) return;
    } else if (this.#pick(5) === 0) {
      lose(first);
      // Its sender gives up, and is never told that it was stored.
      if (!this.#isFault && this.#pick(4) === 0) tries = 0;
    }
    const number = next(this.#numbers, conversation);
    const message = { id: `message-${conversation}-${number}`, number, ...said };
    const { seq } = this.#commit(conversation, { message });
    for (const call of Array.from({ length: tries }, invoke)) {
      this.lines.push({ at: this.#now(), type: 'send', op: 'ok', call, seq, id: message.id });
    }
    if (tries > 0 && this.#pick(10) === 0) {
      const told = { type: 'read-position', op: 'acked', user, conversation, number } as const;
      this.lines.push({ at: this.#now(), ...told });
    }
  }

  /** The first member of a conversation stays. */
  #comeOrGo(): void {
    const conversation = `conversation-${this.#pick(this.#size.conversations)}`;
    const [owner, ...others] = [...(this.#members.get(conversation) ?? [])];
    const strangers = this.#users.filter((user) => user !== owner && !others.includes(user));
    if (this.#pick(2) === 0 && strangers.length > 0) this.#change('add', conversation, [this.#choose(strangers)]);
    else if (others.length > 0) this.#change('remove', conversation, [this.#choose(others)]);
  }

  #change(what: 'create' | 'add' | 'remove', conversation: string, users: string[]): void {
    const call = ++this.#calls;
    this.lines.push({ at: this.#now(), type: 'membership', op: 'invoke', call, what, conversation, users });
    const members = this.#members.get(conversation) ?? new Set();
    this.#members.set(conversation, members);
    if (what !== 'remove') for (const user of users) members.add(user);
    this.#commit(conversation, what === 'remove' ? { left: users[0] ?? '' } : { joined: users });
    if (what === 'remove') for (const user of users) members.delete(user);
    this.lines.push({ at: this.#now(), type: 'membership', op: 'ok', call, conversation });
  }

  #commit(conversation: string, what: { message: Said } | { joined: string[] } | { left: string }): Seen {
    const shard = Number(conversation.split('-')[1]) % SHARDS;
    const event: Seen = { conversation, seq: next(this.#seqs, conversation), ...what };
    const day = this.#stored.length < this.#size.messages / 2 ? '2026-11-25' : '2026-11-26';
    this.#stored.push({ ...event, shard, position: next(this.#heads, shard), day });
    for (const user of this.#members.get(conversation) ?? []) this.#visible.get(user)?.push(event);
    return event;
  }

  #beginFault(): void {
    this.#isFault = true;
    this.lines.push({ at: this.#now(), type: 'sample', process: 'messaging', ...RESIDENT });
    this.lines.push({ at: this.#now(), type: 'fault', op: 'begin', run: 1, id: 'F-00', title: 'none', graceful: true });
  }

  #healFault(): void {
    this.#isFault = false;
    this.lines.push({ at: this.#now(), type: 'fault', op: 'judged', run: 1, bit: true, proof: 'it did' });
    this.lines.push({ at: this.#now(), type: 'fault', op: 'heal', run: 1 });
    this.lines.push({ at: this.#now(), type: 'sample', process: 'messaging', ...RESIDENT });
    this.lines.push({ at: this.#now(), type: 'sample', process: 'backlog', committed: 5, published: 5 });
  }

  /** In order of each conversation; now and then a few events again, or by a list after a reset. */
  #observe(): void {
    const at = this.#now();
    for (const [user, events] of this.#visible) {
      const device = `${user}-device`;
      let index = 0;
      while (index < events.length) {
        const luck = this.#pick(30);
        if (luck === 0) index = Math.max(0, index - 3);
        const event = events[index++];
        if (!event) break;
        if (luck === 1) this.lines.push({ at, type: 'stream', device, op: 'reset', reason: 'BACKLOG_TOO_LARGE' });
        this.lines.push({
          at,
          type: 'deliver',
          device,
          how: luck === 1 ? 'backfill' : 'live',
          ...structuredClone(event),
        });
        // Somebody who is a member to the end is told what has no seq as well.
        const { conversation } = event;
        if (luck === 3 && event.left !== user && this.#members.get(conversation)?.has(user))
          this.lines.push({ at, type: 'deliver', device, how: 'live', conversation, seq: 0, transient: 'typing' });
        if (luck === 2) this.lines.push({ at, type: 'stream', device, op: 'checkpoint' });
      }
    }
  }

  #readBack(): void {
    for (const [user, events] of this.#visible) {
      for (const [conversation, ofConversation] of Map.groupBy(events, (event) => event.conversation)) {
        const messages = structuredClone(ofConversation.filter((event) => event.message));
        this.lines.push({ at: this.#now(), type: 'full-read', user, conversation, messages });
        const number = this.#numbers.get(conversation) ?? 0;
        this.lines.push({ at: this.#now(), type: 'read-position', op: 'found', user, conversation, number });
      }
    }
  }

  #logOut(): void {
    const device = 'user-0-tablet';
    this.lines.push({ at: this.#now(), type: 'client', device, user: 'user-0', transport: 'none', sees: 'events' });
    this.lines.push({ at: this.#now(), type: 'stream', device, op: 'live' });
    const endedAt = this.#now();
    this.lines.push({ at: endedAt, type: 'session', op: 'ended', device });
    this.lines.push({ at: endedAt + 500, type: 'session', op: 'answered', device });
    this.lines.push({ at: endedAt + 900, type: 'stream', device, op: 'close', code: 'UNAUTHENTICATED' });
    for (const after of [1_500, 2_500])
      this.lines.push({ at: endedAt + after, type: 'session', op: 'refused', device });
    const viewer = this.#users.find((user) => user !== 'user-0' && this.#shares(user, 'user-0')) ?? 'user-0';
    const told = { viewer: `${viewer}-device`, user: 'user-0', online: true };
    this.lines.push({ at: endedAt, type: 'presence', ...told });
  }

  #shares(a: string, b: string): boolean {
    return [...this.#members.values()].some((members) => members.has(a) && members.has(b));
  }

  #now(): number {
    return ++this.#clock;
  }

  #choose<T>(list: readonly T[]): T {
    return list[this.#pick(list.length)] as T;
  }
}

function next<K>(counters: Map<K, number>, key: K): number {
  const value = (counters.get(key) ?? 0) + 1;
  counters.set(key, value);
  return value;
}
