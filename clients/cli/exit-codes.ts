import { Code, ConnectError } from '@connectrpc/connect';
import { failureOf, UnknownUserError } from '@realchat/client';

/** How a command ends. */
export const exitCodes = {
  ok: 0,
  /** The server, or this program, will not do it; the same again would end the same way. */
  refused: 1,
  usage: 2,
  /** The server could not be reached, or did not answer in time. Try again. */
  unavailable: 3,
  /** Nobody is logged in, or the session has ended. */
  loggedOut: 4,
} as const;

/** A command was called in a way that it does not know. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** A command that ends with a code and a sentence. */
export class CommandFailure extends Error {
  override name = 'CommandFailure';
  readonly exitCode: number;

  constructor(exitCode: number, sentence: string) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

/** The exit code and the sentence for whatever a command threw. */
export function outcomeOf(thrown: unknown): { exitCode: number; sentence: string } {
  if (thrown instanceof CommandFailure) return { exitCode: thrown.exitCode, sentence: thrown.message };
  if (thrown instanceof UsageError || isParseError(thrown)) {
    return { exitCode: exitCodes.usage, sentence: (thrown as Error).message };
  }
  if (thrown instanceof UnknownUserError) return { exitCode: exitCodes.refused, sentence: thrown.message };
  if (!(thrown instanceof ConnectError)) return { exitCode: exitCodes.refused, sentence: String(thrown) };
  const { code, reason, sentence, violations, passing } = failureOf(thrown);
  const words = [sentence, ...violations.map((each) => `${each.field}: ${each.sentence}`)].join(' ');
  if (code === Code.Unauthenticated) {
    return { exitCode: reason === 'BAD_CREDENTIALS' ? exitCodes.refused : exitCodes.loggedOut, sentence: words };
  }
  return { exitCode: passing ? exitCodes.unavailable : exitCodes.refused, sentence: words };
}

function isParseError(thrown: unknown): boolean {
  return thrown instanceof Error && String((thrown as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}
