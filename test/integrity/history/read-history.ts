import { type Device, emptyHistory, type Fault, type History, type Send, type Session, stintsOf } from './history.ts';
import type { Line, Seen } from './line.ts';

/** Puts the lines of a history together. They may come in any order; `at` is the order. */
export function readHistory(lines: Iterable<Line>): History {
  const reader = new Reader();
  const sorted = [...lines].sort((a, b) => a.at - b.at);
  for (const line of sorted) reader.take(line);
  return reader.end();
}

/** The lines of a file's text. */
export function parseLines(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

type MembershipChange = { what: string; conversation: string; users: string[]; from: number; okAt?: number };

class Reader {
  readonly #history = emptyHistory();
  readonly #calls = new Map<number, Send>();
  readonly #sends = new Map<string, Send>();
  readonly #devices = new Map<string, Device>();
  readonly #changes = new Map<number, MembershipChange>();
  readonly #faults = new Map<number, Fault>();
  readonly #sessions = new Map<string, Session>();

  take(line: Line): void {
    const history = this.#history;
    const { at } = line;
    switch (line.type) {
      case 'run':
        history.seed = line.seed;
        return;
      case 'client':
        this.#device(line.device).user = line.user;
        return;
      case 'send':
        return this.#send(line);
      case 'deliver': {
        const kind = line.how === 'live' ? 'push' : 'list';
        this.#device(line.device).observations.push({ kind, at, event: seenOf(line) });
        return;
      }
      case 'stream':
        return this.#stream(line);
      case 'membership':
        return this.#membership(line);
      case 'read-position': {
        const { user, conversation, number } = line;
        history.readPositions.push({ user, conversation, number, found: line.op === 'found', at });
        return;
      }
      case 'session':
        return this.#session(line);
      case 'presence':
        history.presence.push({ at, viewer: line.viewer, user: line.user, online: line.online });
        return;
      case 'fault':
        return this.#fault(line);
      case 'sample':
        if ('committed' in line) history.backlog.push({ at, committed: line.committed, published: line.published });
        else history.processes.push({ at, process: line.process, rss: line.rss, handles: line.handles });
        return;
      case 'full-read':
        history.reads.push({ user: line.user, conversation: line.conversation, messages: line.messages });
        return;
      case 'stored':
        history.stored ??= [];
        history.stored.push({ ...seenOf(line), shard: line.shard, position: line.position, day: line.day });
        return;
      case 'published': {
        const { shard, position, conversation, seq } = line;
        history.published ??= [];
        history.published.push({ shard, position, conversation, seq });
        return;
      }
      case 'activity': {
        const { day, conversation, messages, senders } = line;
        history.activity ??= [];
        history.activity.push({ day, conversation, messages, senders });
        return;
      }
      case 'poison':
        history.poison.push(line.record);
        return;
      case 'dead-letter':
        history.deadLetters ??= [];
        // A line without a record says that the run has looked and that there was none.
        if (line.record !== '') history.deadLetters.push(line.record);
        return;
    }
  }

  end(): History {
    const history = this.#history;
    history.sends = [...this.#sends.values()];
    history.devices = [...this.#devices.values()];
    history.faults = [...this.#faults.values()];
    history.sessions = [...this.#sessions.values()].filter((session) => Number.isFinite(session.endedAt));
    const changes = [...this.#changes.values()];
    const seen = history.devices.flatMap((device) =>
      device.observations.flatMap((each) => (each.kind === 'reset' ? [] : [each.event])),
    );
    history.stints = stintsOf(
      [...seen, ...(history.stored ?? [])],
      changes.filter((change) => change.what === 'create' && change.okAt !== undefined),
    );
    for (const { what, conversation, users, from, okAt } of changes) {
      if ((what !== 'remove' && what !== 'leave') || okAt === undefined) continue;
      for (const user of users) {
        // Also one that was under way at the same time: which of them came last is not known.
        const back = changes.filter(
          (each) =>
            each.what === 'add' &&
            each.conversation === conversation &&
            each.users.includes(user) &&
            (each.okAt ?? Number.POSITIVE_INFINITY) > from,
        );
        const until = Math.min(Number.POSITIVE_INFINITY, ...back.map((each) => each.from));
        history.leaves.push({ user, conversation, at: okAt, until });
      }
    }
    return history;
  }

  #send(line: Extract<Line, { type: 'send' }>): void {
    if (line.op === 'invoke') {
      const { user, device, conversation, key, hash, at } = line;
      const name = JSON.stringify([user, device, key, conversation, hash]);
      const send = this.#sends.get(name) ?? { user, device, conversation, key, hash, invokedAt: at, answers: [] };
      this.#sends.set(name, send);
      this.#calls.set(line.call, send);
      return;
    }
    const send = this.#calls.get(line.call);
    if (!send) throw new Error(`call ${line.call} was answered and never made`);
    const { at } = line;
    if (line.op === 'ok') send.answers.push({ kind: 'ok', at, seq: line.seq, messageId: line.id });
    else send.answers.push({ kind: line.op === 'fail' ? 'refused' : 'unknown', at, reason: line.reason });
  }

  #stream(line: Extract<Line, { type: 'stream' }>): void {
    const device = this.#device(line.device);
    const { at } = line;
    if (line.op === 'live') {
      device.connected = true;
      device.liveAt = Math.min(device.liveAt, at);
    }
    if (line.op === 'checkpoint') device.checkpoints.push(at);
    if (line.op === 'reset') device.observations.push({ kind: 'reset', at, reason: line.reason });
    if (line.op === 'close') {
      device.connected = false;
      device.closes.push({ at, code: line.code });
    }
    if (line.op === 'died') device.died = line.reason;
  }

  #membership(line: Extract<Line, { type: 'membership' }>): void {
    if (line.op === 'invoke') {
      const { what, conversation, users, at } = line;
      this.#changes.set(line.call, { what, conversation, users, from: at });
      return;
    }
    const change = this.#changes.get(line.call);
    if (!change || line.op !== 'ok') return;
    change.okAt = line.at;
    change.conversation = line.conversation;
  }

  #session(line: Extract<Line, { type: 'session' }>): void {
    const none = { device: line.device, endedAt: Number.POSITIVE_INFINITY, answered: [], refused: [] };
    const session: Session = this.#sessions.get(line.device) ?? none;
    this.#sessions.set(line.device, session);
    if (line.op === 'ended') session.endedAt = line.at;
    else session[line.op].push(line.at);
  }

  #fault(line: Extract<Line, { type: 'fault' }>): void {
    if (line.op === 'begin') {
      const { id, title, graceful, recordsTwice = 0, at } = line;
      const open = { healedAt: Number.POSITIVE_INFINITY, bit: undefined, proof: '' };
      this.#faults.set(line.run, { id, title, graceful, recordsTwice, from: at, ...open });
      return;
    }
    const fault = this.#faults.get(line.run);
    if (!fault) throw new Error(`fault ${line.run} never began`);
    if (line.op === 'heal') fault.healedAt = line.at;
    else Object.assign(fault, { bit: line.bit, proof: line.proof });
  }

  #device(name: string): Device {
    const known = this.#devices.get(name);
    if (known) return known;
    const device: Device = {
      device: name,
      user: '',
      observations: [],
      liveAt: Number.POSITIVE_INFINITY,
      closes: [],
      checkpoints: [],
      connected: false,
    };
    this.#devices.set(name, device);
    return device;
  }
}

function seenOf({ conversation, seq, message, joined, left }: Seen): Seen {
  return {
    conversation,
    seq,
    ...(message && { message }),
    ...(joined && { joined }),
    ...(left !== undefined && { left }),
  };
}
