import { createHash, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRefreshTokens } from './refresh-token.ts';

const SECRET = 'a server secret of at least 32 characters';
const tokens = createRefreshTokens(SECRET);
const sessionId = randomUUID();

test('a token names its session and is stored as the SHA-256 of what the client has', () => {
  const token = tokens.first(sessionId);
  expect(tokens.read(token.text)).toEqual(token);
  expect(token.hash).toEqual(createHash('sha256').update(token.text).digest());
  expect(token.text).toMatch(/^[A-Za-z0-9_-]{86}$/);
});

test('first tokens of one session differ in 256 random bits', () => {
  const secrets = new Set(Array.from({ length: 100 }, () => tokens.first(sessionId).secret.toString('hex')));
  expect(secrets.size).toBe(100);
  expect(tokens.first(sessionId).secret).toHaveLength(32);
});

test('a token has one successor, which another server secret or session would not make', () => {
  const first = tokens.first(sessionId);
  const again = createRefreshTokens(SECRET);
  expect(again.successorOf(first).text).toBe(tokens.successorOf(first).text);
  expect(createRefreshTokens(`${SECRET}!`).successorOf(first).text).not.toBe(tokens.successorOf(first).text);
  expect(tokens.successorOf({ ...first, sessionId: randomUUID() }).secret).not.toEqual(
    tokens.successorOf(first).secret,
  );
  expect(tokens.successorOf(first).secret).not.toEqual(first.secret);
});

test('a token that somebody made up, or moved to another session, is not genuine', () => {
  const token = tokens.first(sessionId);
  expect(tokens.read(token.text)?.genuine).toBe(true);
  const forged = createRefreshTokens('another secret of at least 32 characters').first(sessionId);
  expect(tokens.read(forged.text)?.genuine).toBe(false);
  const bytes = Buffer.from(token.text, 'base64url');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  expect(tokens.read(bytes.toString('base64url'))?.genuine).toBe(false);
});

test('text that is no token is not read, nor is a second spelling of one', () => {
  const { text } = tokens.first(sessionId);
  const standard = Buffer.from(text, 'base64url').toString('base64');
  const lastBits = `${text.slice(0, -1)}${nextCharacter(text.at(-1) as string)}`;
  for (const wrong of [
    '',
    'x',
    text.slice(1),
    `${text}A`,
    ` ${text.slice(1)}`,
    `${text.slice(0, 85)}\0`,
    standard,
    lastBits,
  ])
    expect(tokens.read(wrong)).toBeUndefined();
});

/** The character whose six bits are one more: in the last place those bits are beyond the bytes. */
function nextCharacter(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character) + 1] as string;
}
