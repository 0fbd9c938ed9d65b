/** The contract's rules for what people type, told before anything is sent. The server has the last word. */

const encoder = new TextEncoder();

/** What is wrong with a username, as a sentence; undefined when nothing is. */
export function usernameProblem(username: string): string | undefined {
  if (username === '') return 'Enter a username.';
  if (username !== username.toLowerCase()) return 'Use lower-case letters only.';
  if (username.length < 3 || username.length > 32) return 'A username has 3 to 32 characters.';
  if (!/^[a-z0-9]/.test(username)) return 'Start with a letter from a to z, or a digit.';
  if (!/^[a-z0-9_.-]*$/.test(username)) return 'Use only letters from a to z, digits, and the signs _ . and -';
  return undefined;
}

/** The fewest characters of a password. */
export const PASSWORD_MIN = 15;
const PASSWORD_MAX = 128;

/** What is wrong with the password of a new account. */
export function newPasswordProblem(password: string): string | undefined {
  const length = countCharacters(password);
  if (length < PASSWORD_MIN) return `Use ${PASSWORD_MIN} characters or more; these are ${length}.`;
  if (length > PASSWORD_MAX || countBytes(password) > 512) return `Use at most ${PASSWORD_MAX} characters.`;
  return undefined;
}

/** What is wrong with a message. */
export function textProblem(text: string): string | undefined {
  const length = countCharacters(text);
  if (length > 8_000) return `A message has at most 8,000 characters; this one has ${length.toLocaleString('en')}.`;
  if (countBytes(text) > 32_000) return 'This message is too long. Send it in parts.';
  if (text.includes('\0')) return 'This message has a NUL character in it, which cannot be sent.';
  return undefined;
}

/** What is wrong with the title of a group. */
export function titleProblem(title: string): string | undefined {
  if (title.trim() === '') return 'Give the group a title.';
  if (countCharacters(title) > 128) return 'A title has at most 128 characters.';
  return undefined;
}

/** The usernames in a list that someone typed, each once. */
export function usernamesIn(list: string): string[] {
  return [...new Set(list.split(/[\s,;]+/).filter((name) => name !== ''))];
}

/** What is wrong with the usernames of a group's members. */
export function membersProblem(usernames: readonly string[]): string | undefined {
  if (usernames.length > 999) return 'A group has at most 999 other members.';
  const wrong = usernames.find((username) => usernameProblem(username) !== undefined);
  return wrong === undefined ? undefined : `“${wrong}” cannot be a username.`;
}

/** Characters as the contract counts them: code points. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function countBytes(text: string): number {
  return encoder.encode(text).length;
}
