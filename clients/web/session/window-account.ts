// A window goes on with its own account after a reload; a new window begins with the one that was used last.
const KEY = 'realchat.account';

/** Whose account this window goes on with. */
export function accountOfWindow(): string | undefined {
  return read('sessionStorage') ?? read('localStorage') ?? undefined;
}

export function setAccountOfWindow(username: string): void {
  for (const area of AREAS) write(area, username);
}

/** This window has no account any more; another that has the same one keeps it. */
export function forgetAccountOfWindow(): void {
  write('sessionStorage', undefined);
}

/** The account is logged out of this browser. */
export function forgetAccount(username: string): void {
  forgetAccountOfWindow();
  if (read('localStorage') === username) write('localStorage', undefined);
}

type Area = 'sessionStorage' | 'localStorage';
const AREAS = ['sessionStorage', 'localStorage'] as const;

// Storage may be denied or full. The page then works without memory rather than not at all.
function read(area: Area): string | null {
  try {
    return globalThis[area].getItem(KEY);
  } catch {
    return null;
  }
}

function write(area: Area, username: string | undefined): void {
  try {
    if (username === undefined) globalThis[area].removeItem(KEY);
    else globalThis[area].setItem(KEY, username);
  } catch {
    // It is asked for again after a reload.
  }
}
