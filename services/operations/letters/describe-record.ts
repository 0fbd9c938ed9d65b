import {
  createRegistry,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  type Registry,
  toJsonString,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { type DeadLetter, EVENT_SCHEMAS, type EventSchema, fieldsSince, schemaVersionOf } from '@realchat/eventlog';
import { AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { DeadRecordSchema } from '@realchat/gen/realchat/operations/v1/dead_letter_service';

const events: Registry = createRegistry(ConversationEventSchema, AccountEventSchema);

const VALUE_PROBLEM = { whole: '', null: 'NONE', 'left-out': 'TOO_LARGE', batch: 'BATCH' } as const;

/** The record of a dead letter, and what today's schema makes of it. */
export function describeRecord(letter: DeadLetter): MessageInitShape<typeof DeadRecordSchema> {
  const schema = EVENT_SCHEMAS[letter.topic];
  return {
    value: letter.value ?? new Uint8Array(),
    valueProblem: VALUE_PROBLEM[letter.valueIs],
    headers: Object.entries(letter.headers.toOutgoing()).flatMap(([name, values]) =>
      (Array.isArray(values) ? values : [values]).map((value) => ({ name, value: Buffer.from(value) })),
    ),
    schemaVersion: schema ? schemaVersionOf(letter.topic) : '',
    ...(letter.valueIs === 'whole' ? readBy(schema, letter) : { decodeProblem: 'there is no value of one record' }),
  };
}

function readBy(schema: EventSchema | undefined, letter: DeadLetter): MessageInitShape<typeof DeadRecordSchema> {
  const message = schema && events.getMessage(schema.type);
  if (!message) return { decodeProblem: 'the topic has no schema' };
  const [, major, revision] = /^(\d{1,4})\.(\d{1,4})$/.exec(letter.schemaVersion) ?? [];
  if (major !== undefined && Number(major) !== schema.major) {
    return {
      decodeProblem: `it says that it was written with version ${letter.schemaVersion}, which another topic has`,
    };
  }
  let event: Message;
  try {
    event = fromBinary(message, letter.value ?? new Uint8Array());
  } catch {
    return { decodeProblem: `the value is not a ${schema.type}` };
  }
  return {
    decodedJson: toJsonString(message, event, { registry: events }),
    // Records of the first days do not say; what came later came with a revision of its own.
    fieldsAddedSince: fieldsSince(schema, Number(revision ?? 1)),
    unknownFields: [...new Set(unknownIn(message, event))],
  };
}

/** The fields that a message holds and its schema does not know, at any depth. */
function unknownIn(schema: DescMessage, message: Message): string[] {
  const own = (message.$unknown ?? []).map(({ no }) => `${schema.name}: ${no}`);
  const reflected: ReflectMessage = reflect(schema, message);
  const below = schema.fields.flatMap((field) => {
    if (!reflected.isSet(field)) return [];
    if (field.fieldKind === 'message') return unknownIn(field.message, reflected.get(field).message);
    if (field.fieldKind !== 'list' || field.listKind !== 'message') return [];
    const found: string[] = [];
    for (const item of reflected.get(field)) found.push(...unknownIn(field.message, (item as ReflectMessage).message));
    return found;
  });
  return [...own, ...below];
}
