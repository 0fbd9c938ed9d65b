import type { ChatStore } from '../client/chat-store.ts';

const STORE = 'kept';

/**
 * Keeps everything in a browser's IndexedDB, which has room for messages and outlives the window.
 *
 * @param name of the store; several may share the database `realchat`, as one for each account.
 */
export function indexedDbStore(name: string): ChatStore {
  const keyOf = (key: string) => `${name}/${key}`;
  let opening: Promise<IDBDatabase> | undefined;
  const database = () => {
    opening ??= open(() => {
      opening = undefined;
    });
    return opening;
  };
  return {
    get: async (key) => {
      const store = (await database()).transaction(STORE).objectStore(STORE);
      const found: unknown = await settled(store.get(keyOf(key)));
      return typeof found === 'string' ? found : undefined;
    },
    set: async (key, text) => {
      const transaction = (await database()).transaction(STORE, 'readwrite');
      const store = transaction.objectStore(STORE);
      if (text === undefined) store.delete(keyOf(key));
      else store.put(text, keyOf(key));
      transaction.commit();
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('not kept'));
      });
    },
  };
}

/** @param lost the database was closed or could not be opened: it is to be opened again for the next use. */
async function open(lost: () => void): Promise<IDBDatabase> {
  const request = indexedDB.open('realchat', 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  try {
    const database = await settled(request);
    database.onclose = lost;
    // A newer page wants to change the database: it must not wait for this one.
    database.onversionchange = () => {
      database.close();
      lost();
    };
    return database;
  } catch (error) {
    lost();
    throw error;
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('not kept'));
  });
}
