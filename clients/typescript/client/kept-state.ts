import { newId } from '../account/new-id.ts';
import type { SavedSession } from '../account/saved-session.ts';
import type { Pending } from '../store/outbox.ts';
import type { ChatStore } from './chat-store.ts';

/** Where a user's stream goes on. */
export interface Place {
  /** Of the newest checkpoint. Empty: from now. */
  readonly cursor: Uint8Array<ArrayBuffer>;
  /** Up to which seq conversations were told beyond the cursor, by conversation. */
  readonly marks: ReadonlyMap<string, bigint>;
}

/** What a client keeps, by name. Writes happen one after the other, the newest of each name alone. */
export class KeptState {
  readonly #store: ChatStore;
  readonly #failed: (error: unknown) => void;
  readonly #due = new Map<string, string | undefined>();
  #writing: Promise<void> | undefined;

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
      cursor: Uint8Array.from(atob(kept.cursor), (character) => character.charCodeAt(0)),
      marks: new Map(Object.entries(kept.marks).map(([id, seq]) => [id, BigInt(seq)])),
    };
  }

  keepPlace(userId: string, place: Place | undefined): Promise<void> {
    if (place === undefined || place.cursor.length === 0) return this.#set(`cursor.${userId}`, undefined);
    const cursor = btoa(String.fromCharCode(...place.cursor));
    const marks = Object.fromEntries([...place.marks].map(([id, seq]) => [id, String(seq)]));
    return this.#set(`cursor.${userId}`, JSON.stringify({ cursor, marks }));
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
