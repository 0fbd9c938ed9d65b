import { type Accept, codeName, type IncomingCall, type OutgoingCallListener, type Status } from '../index.ts';

/** What one end of a call has heard, in order. */
export interface Heard {
  readonly messages: Uint8Array[];
  headers: number;
  halfClosed: number;
  drained: number;
  readonly ends: Status[];
  /** What was heard after the end, and messages while paused: must be nothing. */
  late: number;
  paused: boolean;
}

function nothingHeard(): Heard {
  return { messages: [], headers: 0, halfClosed: 0, drained: 0, ends: [], late: 0, paused: false };
}

/** A caller that writes down what it hears. */
export function recordingCaller(): { heard: Heard; listener: OutgoingCallListener } {
  const heard = nothingHeard();
  const note = (write: () => void): void => {
    if (heard.ends.length > 0) heard.late += 1;
    write();
  };
  return {
    heard,
    listener: {
      headers: () => note(() => void (heard.headers += 1)),
      message: (message) => note(() => hear(heard, message)),
      drained: () => note(() => void (heard.drained += 1)),
      end: (status) => note(() => void heard.ends.push(status)),
    },
  };
}

function hear(heard: Heard, message: Uint8Array): void {
  if (heard.paused) heard.late += 1;
  heard.messages.push(message);
}

export interface Taken {
  readonly call: IncomingCall;
  readonly heard: Heard;
}

/** A callee that writes down what it hears of each call, by number. */
export function recordingCallee(then: (call: IncomingCall) => void = () => {}): {
  accept: Accept;
  taken: Map<number, Taken>;
} {
  const taken = new Map<number, Taken>();
  return {
    taken,
    accept: (call) => {
      const heard = nothingHeard();
      taken.set(call.id, { call, heard });
      then(call);
      const note = (write: () => void): void => {
        if (heard.ends.length > 0) heard.late += 1;
        write();
      };
      return {
        message: (message) => note(() => hear(heard, message)),
        halfClosed: () => note(() => void (heard.halfClosed += 1)),
        drained: () => note(() => void (heard.drained += 1)),
        closed: (status) => note(() => void heard.ends.push(status)),
      };
    },
  };
}

export const codes = (heard: Heard): string[] => heard.ends.map(({ code }) => codeName(code));

/** A message that tells its place and length, so that a mix-up shows. */
export function numbered(index: number, length: number): Uint8Array {
  const message = new Uint8Array(length).fill(index % 251);
  if (length > 0) message[length - 1] = (index * 7) % 256;
  return message;
}

/** Whether messages are the same, without a diff of a million bytes when they are not. */
export function same(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return (
    some.length === others.length &&
    some.every((message, index) => Buffer.compare(message, others[index] ?? Buffer.of()) === 0)
  );
}
