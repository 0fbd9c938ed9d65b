import { type Client, Code } from '@connectrpc/connect';
import type { Profile } from '@realchat/gen/realchat/profile/v1/profile';
import type { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import type { Failure } from '../net/failure.ts';
import { retrying } from '../net/retrying.ts';

// A new account's profile may take two seconds: waiting 0.4, 0.8 and 1.2 s covers that.
const TRIES = 4;
const FIRST_WAIT_MS = 400;
const ASK_AGAIN_MS = 10_000;

/** Who is who: names by user id, asked for once each. */
export class Directory {
  readonly #profiles: Client<typeof ProfileService>;
  readonly #changed: () => void;
  readonly #names = new Map<string, string>();
  readonly #asked = new Set<string>();

  constructor(profiles: Client<typeof ProfileService>, changed: () => void) {
    this.#profiles = profiles;
    this.#changed = changed;
  }

  /** Takes a name that is known from elsewhere. */
  know(userId: string, name: string): void {
    this.#names.set(userId, name);
  }

  /** The name to show for a user; until it is known, an empty one, and `changed` is called when it is. */
  nameOf(userId: string): string {
    const name = this.#names.get(userId);
    if (name === undefined && !this.#asked.has(userId)) void this.#ask(userId);
    return name ?? '';
  }

  /**
   * Finds a user by name. A profile follows its account by up to two seconds, so one that is missing is looked for a few
   * times.
   *
   * @throws what GetProfile throws.
   */
  async find(username: string): Promise<Profile> {
    const profile = await this.#get({ case: 'username', value: username });
    this.#learn(profile);
    return profile;
  }

  async #ask(userId: string): Promise<void> {
    this.#asked.add(userId);
    try {
      this.#learn(await this.#get({ case: 'userId', value: userId }));
    } catch {
      // The next reader of this name asks again, but not at once.
      setTimeout(() => this.#asked.delete(userId), ASK_AGAIN_MS);
    }
  }

  async #get(key: { case: 'userId' | 'username'; value: string }): Promise<Profile> {
    const worthRetrying = (failure: Failure) => failure.passing || failure.code === Code.NotFound;
    const delayMs = (failures: number) => failures * FIRST_WAIT_MS;
    const { profile } = await retrying(() => this.#profiles.getProfile({ key }), {
      tries: TRIES,
      worthRetrying,
      delayMs,
    });
    if (!profile) throw new Error('an answer without a profile');
    return profile;
  }

  #learn({ userId, displayName, username }: Profile): void {
    this.#names.set(userId, displayName || username);
    this.#changed();
  }
}
