const TICK_MS = 5_000;
const SLEPT_MS = 10_000;

export interface WakeListener {
  woken(): void;
  /** The page is left, perhaps for good. */
  leaving(): void;
}

/**
 * Calls `woken` whenever there is reason to believe that connections changed unnoticed: the machine or the page slept (the wall
 * clock is further than a timer says), the network comes or goes, or the page is looked at again. And `leaving` when a page is
 * left.
 */
export function watchForWaking(listener: WakeListener, signal: AbortSignal): void {
  const woken = () => listener.woken();
  const leaving = () => listener.leaving();
  let before = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - before > SLEPT_MS) woken();
    before = now;
  }, TICK_MS);
  // In Node, watching alone is no reason to live on.
  (timer as { unref?: () => void }).unref?.();
  signal.addEventListener('abort', () => clearInterval(timer));
  if (typeof document === 'undefined') return;
  addEventListener('online', woken, { signal });
  // Then a socket that seems open may be dead.
  addEventListener('offline', woken, { signal });
  addEventListener('pageshow', woken, { signal });
  document.addEventListener('resume', woken, { signal });
  addEventListener('pagehide', leaving, { signal });
  const turned = () => (document.visibilityState === 'visible' ? woken() : leaving());
  document.addEventListener('visibilitychange', turned, { signal });
}
