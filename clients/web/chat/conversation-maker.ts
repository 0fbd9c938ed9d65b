import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Client, Code } from '@connectrpc/connect';
import { type Directory, failureOf, newId, retrying } from '@realchat/client';
import type { Conversation } from '@realchat/gen/realchat/messaging/v1/conversation';
import type {
  ConversationService,
  CreateConversationRequestSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { FormProblem } from './form-problem.ts';

type Wish = MessageInitShape<typeof CreateConversationRequestSchema>['conversation'];

const TRIES = 4;

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

  /** @throws FormProblem about `username`. */
  async direct(username: string): Promise<Conversation> {
    const userId = await this.#find('username', username);
    return this.#make({ case: 'direct', value: { userId } });
  }

  /** @throws FormProblem about `title` or `members`. */
  async group(title: string, usernames: readonly string[]): Promise<Conversation> {
    const ids = await Promise.all(usernames.map((username) => this.#find('members', username)));
    return this.#make({ case: 'group', value: { title, memberIds: [...new Set(ids)] } });
  }

  async #find(field: string, username: string): Promise<string> {
    try {
      const { userId } = await this.#directory.find(username);
      return userId;
    } catch (thrown) {
      if (failureOf(thrown).code !== Code.NotFound) throw FormProblem.of(thrown, FIELDS);
      throw new FormProblem('', { [field]: `There is no user “${username}”.` });
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
      throw FormProblem.of(thrown, FIELDS);
    }
  }
}

const FIELDS = { title: 'title', member_ids: 'members', user_id: 'username', username: 'username' };
