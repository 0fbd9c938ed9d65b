import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { CallFailure } from '../../e2e/clients/caller.ts';
import type { User } from '../../e2e/clients/user.ts';

/** Calls with a user's token, which is renewed when it is refused for its age. */
export class UserCalls {
  readonly #user: User;
  readonly #renewed: () => void;

  /** `renewed` is told of new tokens. */
  constructor(user: User, renewed: () => void) {
    this.#user = user;
    this.#renewed = renewed;
  }

  /** Rejects with a CallFailure. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    try {
      return await this.#user.call(method, request);
    } catch (error) {
      if (!isExpired(error)) throw error;
      await this.renew();
      return this.#user.call(method, request);
    }
  }

  /** Trades the refresh token for the next tokens. */
  async renew(): Promise<void> {
    await this.#user.refresh();
    this.#renewed();
  }
}

/** The access token has run out; its session may live. */
export function isExpired(error: unknown): boolean {
  return error instanceof CallFailure && error.code === 'UNAUTHENTICATED';
}
