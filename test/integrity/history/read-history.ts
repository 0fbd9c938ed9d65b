import {
  type Answer,
  type Call,
  type Device,
  emptyHistory,
  type Fault,
  type History,
  type Send,
  type Session,
} from './history.ts';
import type { Line, Seen } from './line.ts';
import { comingsAndGoings, type MembershipChange, stintsOf } from './memberships.ts';

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

class Reader {
  readonly #history = emptyHistory();
  readonly #calls = new Map<number, { send: Send; call: Call }>();
  readonly #sends = new Map<string, Send>();
  readonly #devices = new Map<string, Device>();
  readonly #changes = new Map<number, MembershipChange>();
  readonly #faults = new Map<number, Fault>();
  readonly #sessions = new Map<string, Session>();
  #saysWhoseMesh = false;

  take(line: Line): void {
    const history = this.#history;
    const { at } = line;
    switch (line.type) {
      case 'run':
        return this.#run(line);
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
      case 'full-read': {
        const { user, conversation, messages, gone = false } = line;
        history.reads.push({ user, conversation, messages, gone });
        return;
      }
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
    if (history.run && !this.#saysWhoseMesh) history.run.mesh = isLookedInto(history) ? 'own' : 'other';
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
    Object.assign(history, comingsAndGoings(changes));
    return history;
  }

  #run({ at, seed, faults, mesh, measures = true, leftOut = [] }: Extract<Line, { type: 'run' }>): void {
    this.#saysWhoseMesh = mesh !== undefined;
    this.#history.seed = seed;
    this.#history.run = { beganAt: at, mesh: mesh ?? 'other', measures, planned: faults, leftOut };
  }

  #send(line: Extract<Line, { type: 'send' }>): void {
    if (line.op === 'invoke') {
      const { user, device, conversation, key, hash, at } = line;
      const name = JSON.stringify([user, device, key, conversation, hash]);
      const none = { user, device, conversation, key, hash, invokedAt: at, calls: [], answers: [] };
      const send: Send = this.#sends.get(name) ?? none;
      const call: Call = { from: at };
      send.calls.push(call);
      this.#sends.set(name, send);
      this.#calls.set(line.call, { send, call });
      return;
    }
    const made = this.#calls.get(line.call);
    if (!made) throw new Error(`call ${line.call} was answered and never made`);
    const { at } = line;
    const answer: Answer =
      line.op === 'ok'
        ? { kind: 'ok', at, seq: line.seq, messageId: line.id }
        : { kind: line.op === 'fail' ? 'refused' : 'unknown', at, reason: line.reason };
    made.call.answer = answer;
    made.send.answers.push(answer);
  }

  #stream(line: Extract<Line, { type: 'stream' }>): void {
    const device = this.#device(line.device);
    const { at } = line;
    if (line.op === 'live') {
      device.connected = true;
      device.liveAt = Math.min(device.liveAt, at);
      device.lives.push(at);
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
    else Object.assign(fault, { bit: line.bit, proof: line.proof, breach: line.breach });
  }

  #device(name: string): Device {
    const known = this.#devices.get(name);
    if (known) return known;
    const device: Device = {
      device: name,
      user: '',
      observations: [],
      liveAt: Number.POSITIVE_INFINITY,
      lives: [],
      closes: [],
      checkpoints: [],
      connected: false,
    };
    this.#devices.set(name, device);
    return device;
  }
}

/** Who looked into a mesh, or put faults on it, had one of their own. */
function isLookedInto({ backlog, processes, stored, run }: History): boolean {
  return backlog.length > 0 || processes.length > 0 || stored !== undefined || (run?.planned.length ?? 0) > 0;
}

function seenOf({ conversation, seq, message, joined, left, transient }: Seen): Seen {
  return {
    conversation,
    seq,
    ...(message && { message }),
    ...(joined && { joined }),
    ...(left !== undefined && { left }),
    ...(transient !== undefined && { transient }),
  };
}
