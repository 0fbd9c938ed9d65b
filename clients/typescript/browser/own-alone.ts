/** The right to use something that only one window of a browser may use at a time. */
export interface Owner {
  /** Aborted when another window takes it over. */
  readonly lost: AbortSignal;
  release(): void;
}

export interface OwnOptions {
  /** How long to wait for another window to let go, in milliseconds. Default: 1,500, as a page that goes away in a reload may need. */
  readonly patienceMs?: number;
  /** Asks the window that has it to let go, and takes it when that one does not answer in time. Default: false. */
  readonly takeOver?: boolean;
  /** The other window asks for it: what is done here comes to rest before it is let go. */
  readonly beforeLetGo?: () => Promise<void>;
}

const PATIENCE_MS = 1_500;

/**
 * Takes a name for this window alone, until it is released, taken over, or the window goes away. Two windows that live on the
 * same store would end each other's session, since a refresh token can be spent once.
 *
 * @returns undefined when another window has it.
 */
export async function ownAlone(name: string, options: OwnOptions = {}): Promise<Owner | undefined> {
  const { patienceMs = PATIENCE_MS, takeOver = false } = options;
  // Missing on pages that came over plain HTTP from another machine.
  if (!('locks' in navigator)) return { lost: new AbortController().signal, release: () => {} };
  const channel = new BroadcastChannel(name);
  if (takeOver) channel.postMessage('let go');
  const owner =
    (await hold(name, { signal: AbortSignal.timeout(patienceMs) })) ??
    (takeOver ? await hold(name, { steal: true }) : undefined);
  if (!owner) {
    channel.close();
    return undefined;
  }
  const letGo = async () => {
    await options.beforeLetGo?.();
    owner.lose();
  };
  channel.onmessage = () => void letGo();
  owner.lost.addEventListener('abort', () => channel.close());
  return owner;
}

interface Held extends Owner {
  lose(): void;
}

function hold(name: string, options: LockOptions): Promise<Held | undefined> {
  const lost = new AbortController();
  return new Promise((resolve) => {
    const held = () =>
      new Promise<void>((release) => {
        const lose = () => {
          release();
          lost.abort();
        };
        resolve({ lost: lost.signal, release, lose });
      });
    // Rejects when it was not to be had in time, and when it is stolen.
    navigator.locks.request(name, options, held).catch(() => {
      lost.abort();
      resolve(undefined);
    });
  });
}
