/** The user that an engine runs as, when it is not the one of the launcher. */
export interface EngineUser {
  name: string;
  uid: number;
  gid: number;
}

/** Everything that the supervisor has to know about a process. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  user?: EngineUser;
  /** Throws, or answers false, as long as the process cannot be used. Called repeatedly; each call is bounded in time. */
  ready: () => Promise<boolean>;
  /** How long it may take from its start until it is ready. */
  readyTimeoutMs: number;
  stopSignal: NodeJS.Signals;
  /** How long it may take to stop before it is killed. */
  graceMs: number;
  /** Cleans up after an earlier life, such as a stale lock of its own. Throws what keeps it from starting. */
  beforeStart?: () => Promise<void>;
}
