import { create } from '@bufbuild/protobuf';
import { Code } from '@realchat/gen/google/rpc/code';
import { type Status, StatusSchema } from '@realchat/gen/google/rpc/status';

export { Code, type Status };

const names = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]));

/** A code's name, as in NOT_FOUND. Codes that gRPC does not know are UNKNOWN. */
export function codeName(code: number): string {
  return names.get(code) ?? 'UNKNOWN';
}

/** How a call ended: a `Code`, of which OK is success, and a message for developers. */
export function statusOf(code: number, message = ''): Status {
  return create(StatusSchema, { code, message });
}

/** Ends one call, not its session: the peer or the application did with it what is not allowed. */
export class CallFault extends Error {
  override name = 'CallFault';
  readonly status: Status;

  constructor(code: number, message: string) {
    super(message);
    this.status = statusOf(code, message);
  }
}
