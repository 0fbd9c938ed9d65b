import { PoisonError } from './errors.ts';
import type { EventRecord } from './records.ts';
import { ACCOUNT_EVENTS, CONVERSATION_EVENTS } from './topics.ts';

/** The header that says with which schema a record was written: `<major>.<revision>`. Records of the first days have none. */
export const SCHEMA_HEADER = 'schema';

/** What the records of a topic are. */
export interface EventSchema {
  /** The full name of the message that is the value. */
  type: string;
  /** The version of its package. Another one is another topic. */
  major: number;
  /**
   * The fields that came with each revision, from the first one on: of each message, its name and theirs. A revision adds what
   * older readers pass over, so records of every revision of a major can be read. Append a list for what is added to the
   * contract; a test compares the two.
   */
  revisions: readonly (readonly string[])[];
}

const CONVERSATION_EVENT: EventSchema = {
  type: 'realchat.messaging.v1.ConversationEvent',
  major: 1,
  revisions: [
    [
      'ConversationEvent: conversation_id seq position create_time actor_id message_sent conversation_created',
      'ConversationEvent: members_added member_removed conversation_updated member_role_changed read_advanced',
      'MessageSent: message',
      'Message: message_id conversation_id seq number sender_id create_time client_message_id text',
      'ConversationCreated: kind title members',
      'Member: user_id role read_number delivered_number',
      'MembersAdded: members',
      'MemberRemoved: user_id new_owner_id',
      'ConversationUpdated: title',
      'MemberRoleChanged: member former_owner_id',
      'ReadAdvanced: user_id number',
    ],
  ],
};

const ACCOUNT_EVENT: EventSchema = {
  type: 'realchat.auth.v1.AccountEvent',
  major: 1,
  revisions: [
    [
      'AccountEvent: user_id position create_time registered session_ended',
      'AccountRegistered: username',
      'SessionEnded: session_id reason',
    ],
  ],
};

/** The schema of each topic, by its name. */
export const EVENT_SCHEMAS: Readonly<Record<string, EventSchema>> = {
  [CONVERSATION_EVENTS.name]: CONVERSATION_EVENT,
  [ACCOUNT_EVENTS.name]: ACCOUNT_EVENT,
};

/** What a writer of today puts into the header. */
export function schemaVersionOf(topic: string): string {
  const schema = EVENT_SCHEMAS[topic];
  if (!schema) throw new Error(`topic ${topic} has no schema`);
  return `${schema.major}.${schema.revisions.length}`;
}

/** Throws PoisonError for a record that says of itself that it is of another major than its topic. */
export function checkSchemaVersion(record: EventRecord): void {
  const version = record.headers.text(SCHEMA_HEADER);
  if (version === undefined) return;
  const [, major] = /^(\d{1,4})\.\d{1,4}$/.exec(version) ?? [];
  if (major === undefined) throw new PoisonError('MALFORMED_HEADER', `the header ${SCHEMA_HEADER} is malformed`);
  if (Number(major) !== EVENT_SCHEMAS[record.topic]?.major) {
    throw new PoisonError('WRONG_SCHEMA', 'the record is of another major schema version than its topic');
  }
}

/** The fields that came with the revisions after this one, as `Message.field`; every field for 0. */
export function fieldsSince(schema: EventSchema, revision: number): string[] {
  return schema.revisions.slice(revision).flatMap((lines) =>
    lines.flatMap((line) => {
      const [message, fields = ''] = line.split(': ');
      return fields.split(' ').map((field) => `${message}.${field}`);
    }),
  );
}
