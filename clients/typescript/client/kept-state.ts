import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { base64Decode, base64Encode } from '@bufbuild/protobuf/wire';
import { ConversationSchema } from '@realchat/gen/realchat/messaging/v1/conversation';
import { MessageSchema } from '@realchat/gen/realchat/messaging/v1/message';
import { newId } from '../account/new-id.ts';
import type { SavedSession } from '../account/saved-session.ts';
import type { Entry } from '../store/conversations.ts';
import type { Pending } from '../store/outbox.ts';
import type { TimelinePage } from '../store/timeline.ts';
import type { ChatStore } from './chat-store.ts';

/** Where a user's stream goes on. */
export interface Place {
  /** Of the newest checkpoint. Empty: from now. */
  readonly cursor: Uint8Array<ArrayBuffer>;
  /** Up to which seq conversations were told beyond the cursor, by conversation. */
  readonly marks: ReadonlyMap<string, bigint>;
}

interface KeptEntry {
  readonly conversation: string;
  readonly latest: string | undefined;
  readonly readNumber: string;
}

interface KeptPage {
  readonly messages: readonly string[];
  readonly fromSeq: string;
  readonly throughSeq: string;
  readonly hasMore: boolean;
}

const MOST_CONVERSATIONS = 200;
const MOST_HISTORIES = 20;

/** What a client keeps, by name. Writes happen one after the other, the newest of each name alone. */
export class KeptState {
  readonly #store: ChatStore;
  readonly #failed: (error: unknown) => void;
  readonly #due = new Map<string, string | undefined>();
  #writing: Promise<void> | undefined;
  #histories: string[] | undefined;

  /** @param failed is told when the store fails; the client goes on with what it has in memory. */
  constructor(store: ChatStore, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  /** The device's id; made at the first use, unless one is given. */
  async deviceId(given: string | undefined): Promise<string> {
    const kept = given ?? (await this.#get('device'));
    if (kept !== undefined && kept !== '') return kept;
    const made = newId();
    await this.#set('device', made);
    return made;
  }

  async session(): Promise<SavedSession | undefined> {
    return parse<SavedSession>(await this.#get('session'));
  }

  keepSession(session: SavedSession | undefined): Promise<void> {
    return this.#set('session', session && JSON.stringify(session));
  }

  async pending(userId: string): Promise<Pending[]> {
    return parse<Pending[]>(await this.#get(`outbox.${userId}`)) ?? [];
  }

  keepPending(userId: string, pending: readonly Pending[]): Promise<void> {
    return this.#set(`outbox.${userId}`, pending.length > 0 ? JSON.stringify(pending) : undefined);
  }

  async place(userId: string): Promise<Place> {
    const kept = parse<{ cursor: string; marks: Record<string, string> }>(await this.#get(`cursor.${userId}`));
    if (!kept) return { cursor: new Uint8Array(), marks: new Map() };
    return {
      cursor: base64Decode(kept.cursor),
      marks: new Map(Object.entries(kept.marks).map(([id, seq]) => [id, BigInt(seq)])),
    };
  }

  keepPlace(userId: string, place: Place | undefined): Promise<void> {
    if (place === undefined || place.cursor.length === 0) return this.#set(`cursor.${userId}`, undefined);
    const cursor = base64Encode(place.cursor);
    const marks = Object.fromEntries([...place.marks].map(([id, seq]) => [id, String(seq)]));
    return this.#set(`cursor.${userId}`, JSON.stringify({ cursor, marks }));
  }

  /** The conversations as they were listed last. */
  async conversations(userId: string): Promise<Entry[]> {
    const kept = parse<KeptEntry[]>(await this.#get(`conversations.${userId}`)) ?? [];
    return kept.map(({ conversation, latest, readNumber }) => ({
      conversation: decode(ConversationSchema, conversation),
      latest: latest === undefined ? undefined : decode(MessageSchema, latest),
      left: false,
      readNumber: BigInt(readNumber),
    }));
  }

  keepConversations(userId: string, entries: readonly Entry[]): Promise<void> {
    const kept = entries.slice(0, MOST_CONVERSATIONS).map(
      ({ conversation, latest, readNumber }): KeptEntry => ({
        conversation: encode(ConversationSchema, conversation),
        latest: latest && encode(MessageSchema, latest),
        readNumber: String(readNumber),
      }),
    );
    return this.#set(`conversations.${userId}`, kept.length > 0 ? JSON.stringify(kept) : undefined);
  }

  /** The newest messages of a conversation that was shown lately. */
  async history(userId: string, conversationId: string): Promise<TimelinePage | undefined> {
    const kept = parse<KeptPage>(await this.#get(historyName(userId, conversationId)));
    return (
      kept && {
        messages: kept.messages.map((message) => decode(MessageSchema, message)),
        fromSeq: BigInt(kept.fromSeq),
        throughSeq: BigInt(kept.throughSeq),
        hasMore: kept.hasMore,
      }
    );
  }

  /** Keeps a page of a conversation; those that were kept long ago make room for it. */
  async keepHistory(userId: string, conversationId: string, page: TimelinePage): Promise<void> {
    const kept: KeptPage = {
      messages: page.messages.map((message) => encode(MessageSchema, message)),
      fromSeq: String(page.fromSeq),
      throughSeq: String(page.throughSeq),
      hasMore: page.hasMore,
    };
    void this.#set(historyName(userId, conversationId), JSON.stringify(kept));
    await this.#historyIds(userId);
    // Not what was awaited: another conversation may have been kept meanwhile.
    const ids = this.#histories?.filter((id) => id !== conversationId) ?? [];
    await this.#keepHistoryIds(userId, [...ids, conversationId]);
  }

  /** Resolves when all that was given so far is kept, or could not be. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /** Forgets what was kept of messages that were sent. */
  async forgetMessages(userId: string): Promise<void> {
    await this.#keepHistoryIds(userId, [], await this.#historyIds(userId));
    await this.keepConversations(userId, []);
  }

  /** Forgets all that was kept of a user but the device's id. */
  async forget(userId: string): Promise<void> {
    await Promise.all([
      this.forgetMessages(userId),
      this.keepPending(userId, []),
      this.keepPlace(userId, undefined),
      this.keepSession(undefined),
    ]);
  }

  async #historyIds(userId: string): Promise<string[]> {
    this.#histories ??= parse<string[]>(await this.#get(`histories.${userId}`)) ?? [];
    return this.#histories;
  }

  #keepHistoryIds(userId: string, ids: string[], gone = ids.splice(0, ids.length - MOST_HISTORIES)): Promise<void> {
    for (const id of gone) void this.#set(historyName(userId, id), undefined);
    this.#histories = ids;
    return this.#set(`histories.${userId}`, ids.length > 0 ? JSON.stringify(ids) : undefined);
  }

  async #get(name: string): Promise<string | undefined> {
    try {
      return await this.#store.get(name);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  /** Resolves when this text, or a newer one of its name, is kept or could not be. */
  #set(name: string, text: string | undefined): Promise<void> {
    this.#due.set(name, text);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    for (let next = first(this.#due); next; next = first(this.#due)) {
      const [name, text] = next;
      this.#due.delete(name);
      try {
        await this.#store.set(name, text);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}

function first<K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined {
  return map.entries().next().value;
}

function parse<T>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function historyName(userId: string, conversationId: string): string {
  return `history.${userId}.${conversationId}`;
}

function encode<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): string {
  return base64Encode(toBinary(schema, message));
}

function decode<Desc extends DescMessage>(schema: Desc, text: string): MessageShape<Desc> {
  return fromBinary(schema, base64Decode(text));
}
