const PATTERN = /^[a-z0-9][a-z0-9_.-]{2,31}$/;

/** Whether an account can have this name. Login takes any text, and some of it (a NUL) could not even be looked up. */
export function isPossibleUsername(name: string): boolean {
  return PATTERN.test(name);
}
