import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { Code } from '@realchat/gen/google/rpc/code';
import { RpcError } from './rpc-error.ts';

const patterns = new Map<string, RegExp>();

// The contract's own patterns are linear in any engine, so the platform's is used: it is far faster than RE2 in JavaScript.
const validator = createValidator({
  regexMatch: (pattern, against) => {
    const compiled = patterns.get(pattern) ?? new RegExp(pattern, 'u');
    patterns.set(pattern, compiled);
    return compiled.test(against);
  },
});

/** Checks a request by the rules of its contract. Throws INVALID_ARGUMENT with every field at fault. */
export function validate<D extends DescMessage>(schema: D, request: MessageShape<D>): void {
  const result = validator.validate(schema, request);
  if (result.kind === 'valid') return;
  if (result.kind === 'error') throw result.error;
  const violations = result.violations.map((violation) => ({
    field: pathToString(violation.field),
    description: violation.message,
  }));
  const first = violations[0];
  throw new RpcError(
    Code.INVALID_ARGUMENT,
    'INVALID_REQUEST',
    first ? `${first.field || 'request'}: ${first.description}` : 'the request is not valid',
    { violations },
  );
}
