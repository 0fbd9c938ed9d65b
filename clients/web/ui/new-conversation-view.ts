import type { Chat } from '../chat/chat.ts';
import { membersProblem, titleProblem, usernameProblem, usernamesIn } from '../chat/rules.ts';
import { byId } from './dom.ts';
import { Form, requireFields, textOf } from './form.ts';

/**
 * The ways to a new conversation: the name of a user, or a dialog that makes a group.
 *
 * @param open shows the conversation that was made or found.
 */
export function bindNewConversation(chat: Chat, open: (conversationId: string) => void, signal: AbortSignal): void {
  bindDirect(chat, open, signal);
  bindGroup(chat, open, signal);
}

function bindDirect(chat: Chat, open: (conversationId: string) => void, signal: AbortSignal): void {
  const form = new Form({
    id: 'direct-form',
    errorId: 'direct-error',
    signal,
    submit: async (fields) => {
      const username = textOf(fields, 'username').trim();
      requireFields({ username: usernameProblem(username) });
      const conversationId = await chat.openDirect(username);
      form.element.reset();
      open(conversationId);
    },
  });
}

function bindGroup(chat: Chat, open: (conversationId: string) => void, signal: AbortSignal): void {
  const dialog = byId('group-dialog', HTMLDialogElement);
  const form = new Form({
    id: 'group-form',
    errorId: 'group-error',
    signal,
    submit: async (fields) => {
      const title = textOf(fields, 'title');
      const usernames = usernamesIn(textOf(fields, 'members'));
      requireFields({ title: titleProblem(title), members: membersProblem(usernames) });
      const conversationId = await chat.createGroup(title, usernames);
      if (signal.aborted) return;
      dialog.close();
      open(conversationId);
    },
  });
  const begin = () => {
    form.element.reset();
    form.clearProblems();
    dialog.showModal();
  };
  byId('new-group', HTMLElement).addEventListener('click', begin, { signal });
  byId('group-cancel', HTMLElement).addEventListener('click', () => dialog.close(), { signal });
  signal.addEventListener('abort', () => dialog.close());
}
