/** A new random id. */
export function newId(): string {
  // Missing on pages that came over plain HTTP from another machine.
  const randomUUID: (() => string) | undefined = crypto.randomUUID?.bind(crypto);
  if (randomUUID) return randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
