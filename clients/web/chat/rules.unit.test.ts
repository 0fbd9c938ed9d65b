import { create } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { RegisterRequestSchema } from '@realchat/gen/realchat/auth/v1/auth_service';
import { CreateConversationRequestSchema } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { SendMessageRequestSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  membersProblem,
  newPasswordProblem,
  textProblem,
  titleProblem,
  usernameProblem,
  usernamesIn,
} from './rules.ts';

const validator = createValidator();
const id = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const okPassword = 'four unrelated words';

const contract = {
  username: (username: string) =>
    validator.validate(RegisterRequestSchema, create(RegisterRequestSchema, { username, password: okPassword })).kind,
  password: (password: string) =>
    validator.validate(RegisterRequestSchema, create(RegisterRequestSchema, { username: 'ann', password })).kind,
  text: (text: string) => {
    const content = { case: 'text' as const, value: text };
    const request = create(SendMessageRequestSchema, { conversationId: id, clientMessageId: '1', content });
    return validator.validate(SendMessageRequestSchema, request).kind;
  },
  title: (title: string) => {
    const conversation = { case: 'group' as const, value: { title } };
    const request = create(CreateConversationRequestSchema, { conversation });
    return validator.validate(CreateConversationRequestSchema, request).kind;
  },
};

const kind = (problem: string | undefined) => (problem === undefined ? 'valid' : 'invalid');

describe('the rules told before sending are those of the contract', () => {
  it('for usernames', () => {
    const typed = fc.oneof(
      fc.stringMatching(/^[a-zA-Z0-9_. -]{0,40}$/),
      fc.stringMatching(/^[a-z0-9_.-]{1,34}$/),
      fc.string({ unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(typed, (username) => {
        expect(kind(usernameProblem(username))).toBe(contract.username(username));
      }),
    );
  });

  it('for passwords', () => {
    const typed = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' '), minLength: 10, maxLength: 140 });
    fc.assert(
      fc.property(typed, (text) => {
        expect(kind(newPasswordProblem(text))).toBe(contract.password(text));
      }),
    );
  });

  it('for messages', () => {
    const units = ['a', 'é', '😀', '\n'];
    const typed = fc
      .tuple(fc.constantFrom(...units), fc.constantFrom(1, 7_999, 8_000, 8_001), fc.constantFrom('', '\0', 'x'))
      .map(([unit, count, end]) => unit.repeat(count) + end);
    fc.assert(
      fc.property(typed, (text) => {
        expect(kind(textProblem(text))).toBe(contract.text(text));
      }),
    );
  });

  it('for titles', () => {
    const typed = fc.constantFrom('', 'a', 'é'.repeat(128), '😀'.repeat(128), 'a'.repeat(129));
    fc.assert(
      fc.property(typed, (title) => {
        expect(kind(titleProblem(title))).toBe(contract.title(title));
      }),
    );
  });
});

describe('a list of usernames', () => {
  it('is read however it is separated, each name once', () => {
    expect(usernamesIn(' ann, bob;cy\nann  ')).toEqual(['ann', 'bob', 'cy']);
    expect(usernamesIn('  ')).toEqual([]);
  });

  it('names the one that cannot be', () => {
    expect(membersProblem(['ann', 'Bob'])).toBe('“Bob” cannot be a username.');
    expect(membersProblem([])).toBeUndefined();
  });
});
