import {
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  getOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import {
  type FieldRules,
  field as fieldRules,
  type StringRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code } from '@realchat/gen/google/rpc/code';
import { commentsOf } from './comments.ts';

/** Names of the contract's things that no comment explains. */
export function uncommented(files: readonly DescFile[]): string[] {
  return files.flatMap((file) => [...commentsOf(file)].filter(([, comment]) => !comment).map(([name]) => name));
}

/** RPCs whose errors are said neither by their own comment nor, for all of its calls, by their service's. */
export function withoutErrors(files: readonly DescFile[]): string[] {
  return methodsWithComments(files)
    .filter(({ comment, serviceComment }) => !`${comment}\n${serviceComment}`.match(/^\s*Errors(?: of every call)?:/m))
    .map(({ name }) => name);
}

/** Words in the place of an error code, `CODE (reason REASON)`, that are no canonical code. */
export function unknownCodes(files: readonly DescFile[]): string[] {
  return methodsWithComments(files).flatMap(({ name, comment, serviceComment }) =>
    [...`${comment}\n${serviceComment}`.matchAll(/\b([A-Z_]{3,}) \(reason/g)]
      .map((match) => match[1] ?? '')
      .filter((code) => !(code in Code))
      .map((code) => `${name}: ${code}`),
  );
}

/** RPCs that say nothing of what a repeat does: no idempotency level, and no `Not idempotent` in the comment. */
export function withoutIdempotency(files: readonly DescFile[]): string[] {
  return methodsWithComments(files)
    .filter(
      ({ method, comment }) =>
        method.idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN && !/Not idempotent\b/.test(comment),
    )
    .map(({ name }) => name);
}

/** Strings, bytes, lists and maps of requests, at any depth, that may be as large as a sender likes. */
export function unboundedFields(files: readonly DescFile[]): string[] {
  const inputs = files.flatMap((file) => file.services.flatMap((service) => service.methods.map(({ input }) => input)));
  return [...reachable(inputs)]
    .flatMap((message) => message.fields)
    .flatMap((field) => boundsMissing(field).map((missing) => `${field.parent.typeName}.${field.name}: ${missing}`))
    .toSorted();
}

function boundsMissing(field: DescField): string[] {
  const rules = getOption(field, fieldRules);
  switch (field.fieldKind) {
    case 'scalar':
      return scalarBound(field.scalar, rules);
    case 'list': {
      const { value: list } = rules.type.case === 'repeated' ? rules.type : { value: undefined };
      const missing = list?.maxItems ? [] : ['max_items'];
      if (field.listKind === 'scalar')
        missing.push(...scalarBound(field.scalar, list?.items).map((each) => `items.${each}`));
      return missing;
    }
    case 'map':
      return rules.type.case === 'map' && rules.type.value.maxPairs ? [] : ['max_pairs'];
    default:
      return [];
  }
}

function scalarBound(scalar: ScalarType, rules: FieldRules | undefined): string[] {
  const type = rules?.type;
  if (scalar === ScalarType.STRING) return type?.case === 'string' && isBounded(type.value) ? [] : ['max_len'];
  if (scalar === ScalarType.BYTES) return type?.case === 'bytes' && type.value.maxLen > 0n ? [] : ['max_len'];
  return [];
}

function isBounded(rules: StringRules): boolean {
  return rules.maxLen > 0n || rules.maxBytes > 0n || rules.len > 0n || rules.wellKnown.case === 'uuid';
}

function reachable(messages: readonly DescMessage[]): Set<DescMessage> {
  const found = new Set<DescMessage>();
  const visit = (message: DescMessage) => {
    if (found.has(message)) return;
    found.add(message);
    for (const field of message.fields) if (field.message) visit(field.message);
  };
  messages.forEach(visit);
  return found;
}

interface Documented {
  name: string;
  method: DescMethod;
  comment: string;
  serviceComment: string;
}

function methodsWithComments(files: readonly DescFile[]): Documented[] {
  return files.flatMap((file) => {
    const comments = commentsOf(file);
    return file.services.flatMap((service) =>
      service.methods.map((method) => {
        const name = `${service.typeName}.${method.name}`;
        const serviceComment = comments.get(service.typeName) ?? '';
        return { name, method, comment: comments.get(name) ?? '', serviceComment };
      }),
    );
  });
}
