import { create, type DescField, type DescMessage, type DescMethod, type Message } from '@bufbuild/protobuf';
import { type InvalidValue, invalidValues, isRequired, isTime, takesAnything, validValue } from './request-rules.ts';

/** A request that breaks one rule of its contract. */
export interface InvalidRequest {
  method: DescMethod;
  /** The field that the refusal has to name, as its path: `group.member_ids[1]`. */
  field: string;
  rule: string;
  request: Message;
}

/** For every validated field of a method's request, at any depth, requests that are wrong there and right elsewhere. */
export function invalidRequests(method: DescMethod): InvalidRequest[] {
  return [...breakages(method.input)].map(({ path, rule, message }) => ({
    method,
    field: path,
    rule,
    request: message,
  }));
}

/** A request that breaks no rule. Of the oneofs, `wanted` is the field that is set; else the first. */
export function validMessage(schema: DescMessage, wanted?: DescField): Message {
  const message = create(schema);
  for (const field of schema.fields) {
    if (field.oneof || isTime(field)) continue;
    set(message, field, validFieldValue(field));
  }
  for (const oneof of schema.oneofs) {
    const chosen = wanted?.oneof === oneof ? wanted : oneof.fields[0];
    if (chosen) set(message, chosen, validFieldValue(chosen));
  }
  return message;
}

function* breakages(schema: DescMessage): Generator<{ path: string; rule: string; message: Message }> {
  for (const oneof of schema.oneofs) {
    if (!isRequired(oneof)) continue;
    const message = validMessage(schema);
    Object.assign(message, { [oneof.localName]: { case: undefined } });
    yield { path: oneof.name, rule: 'required', message };
  }
  for (const field of schema.fields) {
    if (takesAnything(field)) continue;
    const broken = (value: unknown) => {
      const message = validMessage(schema, field);
      set(message, field, value);
      return message;
    };
    if (field.fieldKind === 'message') {
      for (const { path, rule, message } of breakages(field.message)) {
        yield { path: `${field.name}.${path}`, rule, message: broken(message) };
      }
      continue;
    }
    for (const { rule, value, item = '' } of invalidValues(field) as InvalidValue[]) {
      yield { path: `${field.name}${item}`, rule, message: broken(value) };
    }
  }
}

function validFieldValue(field: DescField): unknown {
  if (field.fieldKind === 'message') return validMessage(field.message);
  if (field.message) throw new Error(`lists of messages are not made yet: ${field.parent.typeName}.${field.name}`);
  return validValue(field);
}

function set(message: Message, field: DescField, value: unknown): void {
  const target = field.oneof
    ? { [field.oneof.localName]: { case: field.localName, value } }
    : { [field.localName]: value };
  Object.assign(message, target);
}
