import { newId, type Pending, type SavedSession } from '@realchat/client';

// The session and its unsent messages belong to the window (two windows, two users); the device and the cursors outlive it.
const SESSION = 'realchat.session';
const OUTBOX = 'realchat.outbox';
const DEVICE = 'realchat.device';
const CURSOR_OF = 'realchat.cursor.';

export function loadSession(): SavedSession | undefined {
  return readJson<SavedSession>('sessionStorage', SESSION);
}

export function saveSession(session: SavedSession | undefined): void {
  if (session) write('sessionStorage', SESSION, JSON.stringify(session));
  else remove('sessionStorage', SESSION);
}

export function loadOutbox(userId: string): Pending[] {
  const kept = readJson<{ userId: string; pending: Pending[] }>('sessionStorage', OUTBOX);
  return kept?.userId === userId ? kept.pending : [];
}

export function saveOutbox(userId: string, pending: readonly Pending[]): void {
  if (pending.length) write('sessionStorage', OUTBOX, JSON.stringify({ userId, pending }));
  else remove('sessionStorage', OUTBOX);
}

/** The id of this browser as a device, made at the first use. */
export function deviceId(): string {
  const kept = read('localStorage', DEVICE);
  if (kept) return kept;
  const made = newId();
  write('localStorage', DEVICE, made);
  return made;
}

/** Where the user's stream goes on. Empty: from now. */
export function loadCursor(userId: string): Uint8Array<ArrayBuffer> {
  const kept = read('localStorage', CURSOR_OF + userId) ?? '';
  return Uint8Array.from(atob(kept), (character) => character.charCodeAt(0));
}

/** Keeps a cursor; an empty one is forgotten. */
export function saveCursor(userId: string, cursor: Uint8Array): void {
  if (cursor.length) write('localStorage', CURSOR_OF + userId, btoa(String.fromCharCode(...cursor)));
  else remove('localStorage', CURSOR_OF + userId);
}

type Area = 'sessionStorage' | 'localStorage';

function readJson<T>(area: Area, key: string): T | undefined {
  const kept = read(area, key);
  if (kept === null) return undefined;
  try {
    return JSON.parse(kept) as T;
  } catch {
    return undefined;
  }
}

// Storage may be denied or full. The page then works without memory rather than not at all.
function read(area: Area, key: string): string | null {
  try {
    return globalThis[area].getItem(key);
  } catch {
    return null;
  }
}

function write(area: Area, key: string, value: string): void {
  try {
    globalThis[area].setItem(key, value);
  } catch {
    remove(area, key);
  }
}

function remove(area: Area, key: string): void {
  try {
    globalThis[area].removeItem(key);
  } catch {
    // Nothing is kept, so there is nothing to remove.
  }
}
