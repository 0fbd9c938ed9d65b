import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

/** The services that keep data in Postgres, each in a database of its own name, as a role of that name. */
export const databases = ['auth', 'profile', 'messaging', 'delivery', 'operations'] as const;
export type DatabaseName = (typeof databases)[number];

/** What only this stack knows: made at its first start, kept in its data folder for this user alone. */
export interface Secrets {
  postgres: Record<DatabaseName | 'superuser', string>;
  valkey: string;
  /** Authenticates cursors, so that a client cannot make one up. */
  cursor: string;
  /** Encrypts auth's signing keys at rest. */
  signingKey: string;
}

/** Reads the secrets of a stack, or makes them at its first start. What a later version needs more is added. */
export function loadSecrets(file: string): Secrets {
  const kept = read(file);
  const secrets: Secrets = {
    postgres: {
      superuser: kept.postgres?.superuser ?? random(),
      auth: kept.postgres?.auth ?? random(),
      profile: kept.postgres?.profile ?? random(),
      messaging: kept.postgres?.messaging ?? random(),
      delivery: kept.postgres?.delivery ?? random(),
      operations: kept.postgres?.operations ?? random(),
    },
    valkey: kept.valkey ?? random(),
    cursor: kept.cursor ?? random(),
    signingKey: kept.signingKey ?? random(),
  };
  if (isDeepStrictEqual(secrets, kept)) return secrets;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return secrets;
}

function read(file: string): { [K in keyof Secrets]?: Secrets[K] extends string ? string : Partial<Secrets[K]> } {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // A file that is there and cannot be read must not be replaced: the databases would be locked for good.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** 256 random bits, in characters that need no escaping in an address or a configuration file. */
function random(): string {
  return randomBytes(32).toString('base64url');
}
