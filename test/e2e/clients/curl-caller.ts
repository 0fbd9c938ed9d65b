import { execFile } from 'node:child_process';
import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@realchat/gen/google/rpc/code';
import { type Caller, CallFailure, type CallOptions } from './caller.ts';

/** The program `curl` against the Connect protocol with JSON: what a person pastes into a terminal. It has no streams. */
export function createCurlCaller(baseUrl: string, certificateAuthorityFile: string): Caller {
  return {
    name: 'curl',
    async unary(method, request, options) {
      const url = `${baseUrl}/${method.parent.typeName}/${method.name}`;
      const body = JSON.stringify(toJson(method.input, create(method.input, request)));
      const answer = await curl([url, '--cacert', certificateAuthorityFile, ...headersOf(options)], body);
      if (answer.status === 200) return fromJson(method.output, JSON.parse(answer.body) as JsonValue) as never;
      throw toFailure(answer);
    },
    stream() {
      throw new Error('curl has no streams');
    },
    close: async () => {},
  };
}

interface CurlAnswer {
  status: number;
  body: string;
}

const MARK = '\n%{http_code}';

function curl(args: string[], body: string): Promise<CurlAnswer> {
  const fixed = ['--silent', '--show-error', '--max-time', '20', '--data-binary', '@-', '--write-out', MARK];
  return new Promise((resolve, reject) => {
    const child = execFile('curl', [...fixed, ...args], (error, output) => {
      if (error) return reject(new CallFailure(Code.UNAVAILABLE, error.message, [], error));
      const end = output.lastIndexOf('\n');
      resolve({ status: Number(output.slice(end + 1)), body: output.slice(0, end) });
    });
    child.stdin?.end(body);
  });
}

function headersOf({ token, headers = {} }: CallOptions = {}): string[] {
  const all = { 'content-type': 'application/json', ...headers, ...(token && { authorization: `Bearer ${token}` }) };
  return Object.entries(all).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
}

interface ConnectError {
  code?: string;
  message?: string;
  details?: { type: string; value: string }[];
}

function toFailure({ status, body }: CurlAnswer): CallFailure {
  const error = JSON.parse(body) as ConnectError;
  const code = Code[(error.code ?? '').toUpperCase() as keyof typeof Code] ?? Code.UNKNOWN;
  const details = (error.details ?? []).map(({ type, value }) =>
    create(AnySchema, { typeUrl: `type.googleapis.com/${type}`, value: Buffer.from(value, 'base64') }),
  );
  return new CallFailure(code, `${error.message ?? ''} (HTTP ${status})`, details);
}
