const PATIENCE_MS = 1_500;

/**
 * Takes a login for this window alone until the page goes away. False when another window has it: browsers copy a tab's
 * storage into its duplicate, and two windows that refresh with the same token would end the session of both.
 */
export async function isOnlyWindowOf(loginId: string): Promise<boolean> {
  // Missing on pages that came over plain HTTP from another machine.
  if (!('locks' in navigator)) return true;
  // After a reload, the page that went away may hold the lock for a moment still.
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return await new Promise<boolean>((resolve) => {
    const hold = () => {
      resolve(true);
      return new Promise<never>(() => {});
    };
    navigator.locks.request(`realchat.login.${loginId}`, { signal }, hold).catch(() => resolve(false));
  });
}
