import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Client, Code } from '@connectrpc/connect';
import type { Conversation } from '@realchat/gen/realchat/messaging/v1/conversation';
import type {
  ConversationService,
  CreateConversationRequestSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { newId } from '../account/new-id.ts';
import { failureOf } from '../net/failure.ts';
import { retrying } from '../net/retrying.ts';
import type { Directory } from './directory.ts';

type Wish = MessageInitShape<typeof CreateConversationRequestSchema>['conversation'];

const TRIES = 4;

/** There is no user of a name. */
export class UnknownUserError extends Error {
  override name = 'UnknownUserError';
  readonly username: string;

  constructor(username: string, cause: unknown) {
    super(`There is no user “${username}”.`, { cause });
    this.username = username;
  }
}

/** Opens conversations by the names of their members. */
export class ConversationMaker {
  readonly #service: Client<typeof ConversationService>;
  readonly #directory: Directory;
  // What was asked last and not answered yet: asking the same again must not make another group.
  #unanswered: { wish: string; requestId: string } | undefined;

  constructor(service: Client<typeof ConversationService>, directory: Directory) {
    this.#service = service;
    this.#directory = directory;
  }

  /** @throws UnknownUserError, ConnectError */
  async direct(username: string): Promise<Conversation> {
    const userId = await this.#find(username);
    return this.#make({ case: 'direct', value: { userId } });
  }

  /** @throws UnknownUserError, ConnectError */
  async group(title: string, usernames: readonly string[]): Promise<Conversation> {
    const ids = await Promise.all(usernames.map((username) => this.#find(username)));
    return this.#make({ case: 'group', value: { title, memberIds: [...new Set(ids)] } });
  }

  async #find(username: string): Promise<string> {
    try {
      const { userId } = await this.#directory.find(username);
      return userId;
    } catch (thrown) {
      if (failureOf(thrown).code !== Code.NotFound) throw thrown;
      throw new UnknownUserError(username, thrown);
    }
  }

  async #make(conversation: Wish): Promise<Conversation> {
    const wish = JSON.stringify(conversation);
    const requestId = this.#unanswered?.wish === wish ? this.#unanswered.requestId : newId();
    this.#unanswered = { wish, requestId };
    try {
      const answer = await retrying(() => this.#service.createConversation({ conversation, requestId }), {
        tries: TRIES,
      });
      if (!answer.conversation) throw new Error('an answer without a conversation');
      this.#unanswered = undefined;
      return answer.conversation;
    } catch (thrown) {
      if (!failureOf(thrown).passing) this.#unanswered = undefined;
      throw thrown;
    }
  }
}
