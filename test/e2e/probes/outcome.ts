import { type DescMethod, fromBinary, type Message } from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code } from '@realchat/gen/google/rpc/code';
import { BadRequestSchema, ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { StatusSchema } from '@realchat/gen/google/rpc/status';
import { codeName } from '../support/codes.ts';

/** A call to be made without the help of a client library, as anyone on the network can. */
export interface Ask {
  method: DescMethod;
  request: Message;
  /** The access token; none when left out. */
  token?: string | undefined;
  /** Further headers, or metadata. */
  headers?: Record<string, string>;
}

/** How a call ended, and all that came back with it. */
export interface Outcome {
  /** The name of the canonical code. */
  code: string;
  message: string;
  reason: string | undefined;
  domain: string | undefined;
  /** The fields of the BadRequest. */
  fields: string[];
  /** All that says how the call ended, as it came over the wire: what a caller could compare. */
  ending: string;
  /** Everything that came back, headers and bodies, readable as far as it is text: to look for what must not be in it. */
  everything: string;
}

/** A transport, spoken by hand. */
export interface Probe {
  readonly name: string;
  ask(ask: Ask): Promise<Outcome>;
  close(): Promise<void>;
}

/** Reads code, message and details as all transports have them. */
export function outcomeOf(facts: {
  code: number;
  message: string;
  details: readonly Any[];
  ending: string;
  everything: string;
}): Outcome {
  const info = facts.details.map((any) => anyUnpack(any, ErrorInfoSchema)).find(Boolean);
  const violations = facts.details.flatMap((any) => anyUnpack(any, BadRequestSchema)?.fieldViolations ?? []);
  // Details travel as bytes: what they say is to be looked through as well.
  const said = facts.details.map((any) => Buffer.from(any.value).toString('latin1')).join('\n');
  return {
    code: codeName(facts.code),
    message: facts.message,
    reason: info?.reason,
    domain: info?.domain,
    fields: violations.map((violation) => violation.field),
    ending: facts.ending,
    everything: `${facts.everything}\n${said}`,
  };
}

/** The details of `grpc-status-details-bin` as it travels; none when there is none. */
export function detailsOf(base64: string | undefined): Any[] {
  return base64 ? fromBinary(StatusSchema, Buffer.from(base64, 'base64')).details : [];
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** The number of a code that Connect names in lower case. */
export function codeOfConnect(name: unknown): number {
  const known = Object.entries(Code).find(
    ([each]) => each.toLowerCase() === name || (each === 'CANCELLED' && name === 'canceled'),
  );
  return known?.[1] ?? Code.UNKNOWN;
}
