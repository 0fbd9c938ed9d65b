import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { create, type DescMethod, fromBinary, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { StatusSchema } from '@realchat/gen/google/rpc/status';
import { type Caller, CallFailure, type CallOptions } from './caller.ts';
import { makePythonStubs } from './python-stubs.ts';

const SCRIPT = fileURLToPath(new URL('python-client.py', import.meta.url));

interface Answer {
  id: number;
  message?: JsonValue;
  end?: { code: number; message?: string; details?: string };
}

interface Listener {
  message(message: JsonValue): void;
  end(failure: CallFailure | undefined): void;
}

/** Native gRPC from Python, with the stubs of grpcio-tools, over TLS, in a process of its own. `address` is `host:port`. */
export async function createPythonCaller(address: string, certificateAuthorityFile: string): Promise<Caller> {
  const generated = await makePythonStubs();
  const child = spawn(generated.python, [SCRIPT, address, certificateAuthorityFile], {
    env: { ...process.env, PYTHONPATH: generated.stubs },
    stdio: ['pipe', 'pipe', 'inherit'],
  }) as unknown as ChildProcessWithoutNullStreams;
  const listeners = new Map<number, Listener>();
  let lastId = 0;
  createInterface(child.stdout).on('line', (line) => {
    const answer = JSON.parse(line) as Answer;
    const listener = listeners.get(answer.id);
    if (answer.message !== undefined) listener?.message(answer.message);
    if (answer.end) {
      listeners.delete(answer.id);
      listener?.end(failureOf(answer.end));
    }
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void exited.then(() => {
    for (const listener of listeners.values()) listener.end(new CallFailure(14, 'the Python client has ended', []));
  });

  const ask = (
    method: DescMethod,
    request: JsonValue,
    options: CallOptions | undefined,
    listener: Listener,
  ): number => {
    const id = ++lastId;
    listeners.set(id, listener);
    const call = `/${method.parent.typeName}/${method.name}`;
    child.stdin.write(`${JSON.stringify({ id, call, request, metadata: metadataOf(options) })}\n`);
    return id;
  };

  return {
    name: 'python grpcio',
    unary: (method, request, options) =>
      new Promise((resolve, reject) => {
        let response: JsonValue = {};
        ask(method, toJson(method.input, create(method.input, request)), options, {
          message: (message) => {
            response = message;
          },
          end: (failure) => (failure ? reject(failure) : resolve(fromJson(method.output, response) as never)),
        });
      }),
    async *stream(method, request, options) {
      const queue: (JsonValue | CallFailure | undefined)[] = [];
      let wake = () => {};
      const put = (item: JsonValue | CallFailure | undefined) => {
        queue.push(item);
        wake();
      };
      const id = ask(method, toJson(method.input, create(method.input, request)), options, { message: put, end: put });
      options.signal.addEventListener('abort', () => child.stdin.write(`${JSON.stringify({ cancel: id })}\n`));
      for (;;) {
        while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const item = queue.shift();
        if (item === undefined) return;
        if (item instanceof CallFailure) throw item;
        yield fromJson(method.output, item) as never;
      }
    },
    async close() {
      child.stdin.end();
      await exited;
      await generated.remove();
    },
  };
}

function metadataOf({ token, headers = {} }: CallOptions = {}): [string, string][] {
  return Object.entries({ ...headers, ...(token && { authorization: `Bearer ${token}` }) });
}

function failureOf({ code, message = '', details = '' }: NonNullable<Answer['end']>): CallFailure | undefined {
  if (code === 0) return undefined;
  return new CallFailure(code, message, fromBinary(StatusSchema, Buffer.from(details, 'base64')).details);
}
