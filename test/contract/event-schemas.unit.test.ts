import type { DescMessage } from '@bufbuild/protobuf';
import { EVENT_SCHEMAS, fieldsSince } from '@realchat/eventlog';
import { AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { expect, test } from 'vitest';

const MESSAGES: Record<string, DescMessage> = Object.fromEntries(
  [ConversationEventSchema, AccountEventSchema].map((schema) => [schema.typeName, schema]),
);

/** Every field that can be in a message of this type, as `Message.field`. */
function fieldsOf(schema: DescMessage, seen = new Set<DescMessage>()): string[] {
  if (seen.has(schema) || schema.typeName.startsWith('google.')) return [];
  seen.add(schema);
  return schema.fields.flatMap((field) => [
    `${schema.name}.${field.name}`,
    ...(field.message ? fieldsOf(field.message, seen) : []),
  ]);
}

test.each(Object.entries(EVENT_SCHEMAS))(
  'the revisions of %s hold every field of the contract once',
  (_topic, schema) => {
    const message = MESSAGES[schema.type];
    if (!message) throw new Error(`${schema.type} is not known here`);
    // What is missing there is to be appended as the list of a new revision, never to one that was written with.
    expect(fieldsSince(schema, 0).toSorted()).toEqual(fieldsOf(message).toSorted());
    expect(message.typeName.split('.').at(-2)).toBe(`v${schema.major}`);
  },
);
