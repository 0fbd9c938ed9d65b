import { createInterface } from 'node:readline';
import { createRealChat, newId, type RealChat } from '@realchat/client';
import { ConversationKind } from '@realchat/gen/realchat/messaging/v1/conversation';
import { activity } from './activity.ts';
import type { CommandLine } from './command-line.ts';
import { dlq } from './dlq.ts';
import { CommandFailure, exitCodes, UsageError } from './exit-codes.ts';
import { explain } from './explain.ts';
import { fileStore, withoutOutbox } from './file-store.ts';
import { messageFields, type Output, printable } from './output.ts';

interface Context {
  readonly line: CommandLine;
  readonly chat: RealChat;
  readonly output: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

const PROFILES_AT_ONCE = 100;

const COMMANDS: Record<string, (context: Context) => Promise<void>> = {
  register: (context) => enter(context, 'register'),
  login: (context) => enter(context, 'login'),
  logout,
  create,
  conversations,
  send,
  tail,
  whoami,
  explain: (context) => explain(context.line.operands, () => resumed(context), context.output),
  activity({ line, chat, output }) {
    const { operands: given, day, dlq: options } = line;
    return activity({ operands: given, day, limit: options.limit }, () => resumed({ chat }), output);
  },
  dlq: (context) => dlq(context.line, () => resumed(context), context.output, context.signal),
};

/** Carries a command out. Throws what `outcomeOf` reads. */
export async function runCommand(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const command = Object.hasOwn(COMMANDS, line.command) ? COMMANDS[line.command] : undefined;
  if (!command) throw new UsageError(line.command ? `there is no command ${line.command}` : 'which command?');
  const store = withoutOutbox(fileStore(line.folder));
  const chat = createRealChat({ url: line.url, store });
  try {
    await command({ line, chat, output, signal });
  } finally {
    await chat.close();
  }
}

async function enter({ line, chat, output }: Context, how: 'register' | 'login'): Promise<void> {
  const [username] = operands(line, 1);
  await inTime(line, chat[how]({ username, password: await readPassword() }));
  output.data({ userId: chat.userId, username }, chat.userId);
}

async function logout({ line, chat, output }: Context): Promise<void> {
  operands(line, 0);
  if (!(await chat.resume())) return output.note('nobody was logged in');
  await inTime(line, chat.logout());
}

async function whoami({ line, chat, output }: Context): Promise<void> {
  operands(line, 0);
  await resume(chat);
  output.data({ userId: chat.userId }, chat.userId);
}

async function create(context: Context): Promise<void> {
  const { line, chat, output } = context;
  if ((line.title === undefined) === (line.direct === undefined)) throw new UsageError('--title or --direct?');
  if (line.direct !== undefined) operands(line, 0);
  await resume(chat);
  const { direct, title = '', operands: usernames } = line;
  const made = direct === undefined ? chat.createGroup(title, usernames) : chat.openDirect(direct);
  const { conversationId } = await inTime(line, made);
  output.data({ conversationId }, conversationId);
}

async function conversations({ line, chat, output }: Context): Promise<void> {
  operands(line, 0);
  await resume(chat);
  const all = await inTime(line, chat.listConversations());
  const peers = all.map(({ peerId }) => peerId).filter((peerId) => peerId !== '');
  const names = await inTime(line, usernamesOf(chat, [...new Set(peers)]));
  for (const { conversationId, kind, title, peerId, lastSeq, memberCount, unreadCount } of all) {
    const isDirect = kind === ConversationKind.DIRECT;
    const kindName = isDirect ? 'direct' : 'group';
    const peerUsername = names.get(peerId) ?? '';
    const counts = { lastSeq: String(lastSeq), memberCount, unreadCount: String(unreadCount) };
    const name = isDirect ? peerUsername || peerId : printable(title);
    const unread = unreadCount > 0n ? `  (${unreadCount} unread)` : '';
    output.data(
      { conversationId, kind: kindName, title, peerId, peerUsername, ...counts },
      `${conversationId}  ${kindName}  ${name}${unread}`,
    );
  }
}

async function usernamesOf(chat: RealChat, userIds: readonly string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (let from = 0; from < userIds.length; from += PROFILES_AT_ONCE) {
    const batch = userIds.slice(from, from + PROFILES_AT_ONCE);
    const { profiles } = await chat.profiles.batchGetProfiles({ userIds: batch });
    for (const { userId, username } of profiles) names.set(userId, username);
  }
  return names;
}

async function send({ line, chat, output, signal }: Context): Promise<void> {
  const [conversationId, text] = operands(line, 2);
  await resume(chat);
  const key = line.id ?? newId();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  chat.on('confirmed', (message) => {
    output.data(messageFields(message), String(message.seq));
    resolve();
  });
  chat.on('refused', ({ refusal }) => reject(new CommandFailure(exitCodes.refused, refusal ?? 'refused')));
  chat.on('status', ({ state, reason }) => {
    if (state === 'ended') reject(new CommandFailure(exitCodes.loggedOut, reason ?? ''));
  });
  const unknown = `whether it was sent is not known; send it again with --id ${key}`;
  signal.addEventListener('abort', () => reject(new CommandFailure(exitCodes.unavailable, unknown)));
  await chat.send(conversationId, text, key);
  await inTime(line, promise, unknown);
}

async function tail({ line, chat, output, signal }: Context): Promise<void> {
  const [only] = line.operands;
  if (line.operands.length > 1) throw new UsageError('tail takes one conversation at most');
  await resume(chat);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve());
  chat.on('message', (message) => {
    if (only !== undefined && message.conversationId !== only) return;
    const { conversationId, seq, senderId, content } = message;
    output.data(messageFields(message), `${conversationId} ${seq} ${senderId} ${printable(content.value ?? '')}`);
  });
  chat.on('reset', () => output.note('more was missed than the server replays'));
  chat.on('status', ({ state, reason }) => {
    if (state === 'ended') reject(new CommandFailure(exitCodes.loggedOut, reason ?? ''));
    else output.note(state);
  });
  await chat.start();
  await promise;
}

async function resume(chat: RealChat): Promise<void> {
  if (!(await chat.resume())) throw new CommandFailure(exitCodes.loggedOut, 'Log in first.');
}

async function resumed({ chat }: Pick<Context, 'chat'>): Promise<RealChat> {
  await resume(chat);
  return chat;
}

/** The operands of a command that takes so many. */
function operands(line: CommandLine, count: 0): [];
function operands(line: CommandLine, count: 1): [string];
function operands(line: CommandLine, count: 2): [string, string];
function operands({ command, operands: given }: CommandLine, count: number): readonly string[] {
  if (given.length !== count) throw new UsageError(`${command} takes ${count} operand(s), not ${given.length}`);
  return given;
}

async function inTime<T>(
  line: CommandLine,
  work: Promise<T>,
  sentence = 'the server did not answer in time',
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new CommandFailure(exitCodes.unavailable, sentence)), line.timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readPassword(): Promise<string> {
  const given = process.env['REALCHAT_PASSWORD'];
  if (given) return given;
  if (process.stdin.isTTY) process.stderr.write('password (it is shown): ');
  for await (const line of createInterface({ input: process.stdin })) return line;
  throw new UsageError('there is no password');
}
