import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code } from '@realchat/gen/google/rpc/code';
import { type End, type Frame, FramesSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { WebSocket } from 'ws';
import { type Ask, type Outcome, outcomeOf, type Probe, pathOf } from './outcome.ts';

const PART_BYTES = 16 * 1024;
const DEADLINE_MS = 15_000;

/** The framing over a WebSocket, frame by frame, a socket for each call: what docs/protocol.md says is enough to know. */
export function webSocketProbe(url: string, ca: Buffer): Probe {
  return {
    name: 'websocket',
    ask: (ask) => askOnce(url, ca, ask),
    close: async () => {},
  };
}

function askOnce(url: string, ca: Buffer, { method, request, token = '', headers = {} }: Ask): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ['realchat.v1'], { ca });
    const received: Buffer[] = [];
    const everything = () => Buffer.concat(received).toString('latin1');
    const overdue = setTimeout(() => {
      socket.terminate();
      reject(new Error(`no end of ${method.name} within ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
    const done = (outcome: Outcome) => {
      clearTimeout(overdue);
      socket.close(1000);
      resolve(outcome);
    };
    socket.on('open', () => socket.send(encode([{ call: 0, kind: { case: 'hello', value: { accessToken: token } } }])));
    socket.on('message', (bytes: Buffer) => {
      received.push(bytes);
      for (const { call, kind } of fromBinary(FramesSchema, bytes).frames) {
        if (kind.case === 'welcome')
          socket.send(encode(callFrames(pathOf(method), headers, toBinary(method.input, request))));
        if (call === 1 && kind.case === 'end') done(endOf(kind.value, everything()));
      }
    });
    socket.on('error', (error) => {
      clearTimeout(overdue);
      reject(error);
    });
    socket.on('close', (code, reason) => done(closedWith(code, reason.toString(), everything())));
  });
}

type FrameInit = Pick<Frame, 'call'> & { kind: { case: string; value: unknown } };

function callFrames(method: string, headers: Record<string, string>, message: Uint8Array): FrameInit[] {
  const metadata = Object.entries(headers).map(([name, text]) => ({ name, text }));
  const frames: FrameInit[] = [{ call: 1, kind: { case: 'open', value: { method, metadata } } }];
  let rest = message;
  for (; rest.length > PART_BYTES; rest = rest.subarray(PART_BYTES)) {
    frames.push({ call: 1, kind: { case: 'part', value: rest.subarray(0, PART_BYTES) } });
  }
  frames.push({ call: 1, kind: { case: 'message', value: rest } });
  frames.push({ call: 1, kind: { case: 'halfClose', value: {} } });
  return frames;
}

function encode(frames: FrameInit[]): Uint8Array {
  return toBinary(FramesSchema, create(FramesSchema, { frames: frames as never }));
}

function endOf({ status }: End, everything: string): Outcome {
  const { code = Code.OK, message = '', details = [] } = status ?? {};
  const ending = `${code} ${message} ${details.map(({ value }) => Buffer.from(value).toString('base64')).join(' ')}`;
  return outcomeOf({ code, message, details, ending, everything });
}

/** A session whose token is refused is closed with a code of its own; that is what the caller learns. */
function closedWith(closeCode: number, reason: string, everything: string): Outcome {
  const code = closeCode === 4401 ? Code.UNAUTHENTICATED : Code.UNKNOWN;
  const ending = `closed ${closeCode} ${reason}`;
  return outcomeOf({ code, message: ending, details: [], ending, everything: `${everything} ${reason}` });
}
