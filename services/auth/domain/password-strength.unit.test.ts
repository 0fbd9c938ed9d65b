import * as common from '@zxcvbn-ts/language-common';
import { describe, expect, test } from 'vitest';
import { createPasswordStrength } from './password-strength.ts';

const strength = createPasswordStrength();
/** Of the contract. */
const LEAST_LENGTH = 15;

describe('passwords that are guessed first are refused, long as they are', () => {
  test.each([
    ['a common one that is long', 'qwertyuiop12345'],
    ['a common one, said twice', 'passwordpassword'],
    ['a common one with digits', 'password12345678'],
    ['one character', 'aaaaaaaaaaaaaaaaaaaa'],
    ['one character, at the greatest length', 'x'.repeat(128)],
    ['a short part over and over', 'abcabcabcabcabcabc'],
    ['the alphabet', 'abcdefghijklmnopqrst'],
    ['digits in a row', '123456789123456789'],
    ['a walk over the keyboard', '1qaz2wsx3edc4rfv'],
    ['the username, said thrice', 'marigold-marigold-marigold'],
    ['the name of the product', 'realchatrealchat'],
  ])('%s', (_what, password) => {
    expect(strength.isCommon(password, ['marigold'])).toBe(true);
  });
});

test('S-48: none of the 3,000 commonest is accepted when it is said until it is long enough', {
  timeout: 60_000,
}, () => {
  const commonest = common.dictionary['passwords-common'].slice(0, 3_000).map(String);
  expect(commonest).toHaveLength(3_000);
  const stretched = commonest.map((password) => password.repeat(Math.ceil(LEAST_LENGTH / password.length)));
  expect(stretched.filter((password) => !strength.isCommon(password, []))).toEqual([]);
});

describe('what nobody guesses is accepted, without rules of composition', () => {
  test.each([
    ['four words', 'correct horse battery staple'],
    ['a sentence', 'my dog ate my homework'],
    ['letters of another script', 'зелёный чай без сахара'],
    ['pictures', '🦊🌵🛶🎻🧭🪁🍉🦔🧵🪐🛎️🎠🧩🪗🥝'],
    ['random letters', 'kqzmwhvtplrxbnd'],
    ['any characters at all', 'tab\there nul\0there and "quotes"'],
  ])('%s', (_what, password) => {
    expect(strength.isCommon(password, ['marigold'])).toBe(false);
  });
});

test('the worst password of the greatest length takes no more than 100 ms', () => {
  const worst = [
    '4@(3690!1|$5+7%2'.repeat(8),
    '13.12.1999'.repeat(12),
    '0123456789'.repeat(12),
    'a@s5$0o1!i'.repeat(12),
  ];
  strength.isCommon('warm up the estimator', []);
  for (const password of worst) {
    const begin = process.threadCpuUsage();
    strength.isCommon(password, []);
    expect(process.threadCpuUsage(begin).user / 1_000).toBeLessThan(100);
  }
});
