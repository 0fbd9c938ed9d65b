import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { PUBLIC_SERVICES } from '@realchat/rpc';
import { describe, expect, test } from 'vitest';
import { invalidRequests, validMessage } from './invalid-requests.ts';
import { takesAnything } from './request-rules.ts';

const validator = createValidator();
const methods = PUBLIC_SERVICES.flatMap((service) => service.methods);

function faults(
  schema: Parameters<typeof validMessage>[0],
  message: Parameters<typeof validator.validate>[1],
): string[] {
  const result = validator.validate(schema, message as never);
  if (result.kind === 'error') throw result.error;
  return [...new Set(result.kind === 'invalid' ? result.violations.map((each) => pathToString(each.field)) : [])];
}

describe.each(methods.map((method) => [`${method.parent.name}.${method.name}`, method] as const))(
  '%s',
  (_name, method) => {
    test('the request that is meant to be valid is', () => {
      expect(faults(method.input, validMessage(method.input))).toEqual([]);
      for (const field of method.input.fields)
        expect(faults(method.input, validMessage(method.input, field))).toEqual([]);
    });

    test('each invalid request is at fault at the one field that it is meant to be', () => {
      for (const { request, field, rule } of invalidRequests(method)) {
        expect([rule, faults(method.input, request)]).toEqual([rule, [field]]);
      }
    });
  },
);

test('every field of every request has an invalid case, and every required oneof', () => {
  const missing = methods.flatMap((method) => {
    const covered = invalidRequests(method).map(({ field }) => field.replace(/\[\d+\]/, ''));
    return fieldPaths(method.input)
      .filter((path) => !covered.includes(path))
      .map((path) => `${method.parent.name}.${method.name}: ${path}`);
  });
  expect(missing).toEqual([]);
});

function fieldPaths(schema: Parameters<typeof validMessage>[0]): string[] {
  const bounded = schema.fields.filter((field) => !takesAnything(field));
  return bounded.flatMap((field) =>
    field.message ? fieldPaths(field.message).map((path) => `${field.name}.${path}`) : [field.name],
  );
}
