import type { Pool } from '@realchat/db';
import type { PasswordStrength } from './domain/password-strength.ts';
import type { RefreshTokens } from './domain/refresh-token.ts';
import type { Events } from './events.ts';
import type { PasswordHasher } from './passwords/password-hasher.ts';
import type { PasswordTries } from './passwords/password-tries.ts';
import type { AccessTokens } from './tokens/access-tokens.ts';

/** What auth's handlers work with. */
export interface AuthContext {
  pool: Pool;
  passwords: PasswordHasher;
  tries: PasswordTries;
  passwordStrength: PasswordStrength;
  accessTokens: AccessTokens;
  refreshTokens: RefreshTokens;
  events: Events;
  /** Wakes the relay for a shard. */
  committed: (shard: number) => void;
  /** Tells everyone, after the commit: the relay of the shard, and who verifies access tokens. Takes 100 ms at the most. */
  sessionsEnded: (shard: number, sessionIds: string[]) => Promise<void>;
}
