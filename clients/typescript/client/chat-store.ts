type Awaitable<T> = T | Promise<T>;

/** Where a client keeps its session, its cursor and what it has not sent yet. One store is one device. */
export interface ChatStore {
  /** What was kept under a name last. */
  get(name: string): Awaitable<string | undefined>;
  /** Keeps a text under a name, whole or not at all; undefined forgets it. */
  set(name: string, text: string | undefined): Awaitable<void>;
}

/** Keeps everything in memory alone. */
export function memoryStore(): ChatStore {
  const texts = new Map<string, string>();
  return {
    get: (name) => texts.get(name),
    set: (name, text) => {
      if (text === undefined) texts.delete(name);
      else texts.set(name, text);
    },
  };
}

/**
 * Keeps everything in a browser's storage. With `sessionStorage` each window has a login of its own; with `localStorage`
 * all windows share one, and only one of them may use it at a time.
 */
export function webStore(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>): ChatStore {
  const keyOf = (name: string) => `realchat.${name}`;
  return {
    get: (name) => storage.getItem(keyOf(name)) ?? undefined,
    set: (name, text) => {
      if (text === undefined) storage.removeItem(keyOf(name));
      else storage.setItem(keyOf(name), text);
    },
  };
}
