import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { UnknownUserError } from '@realchat/client';
import { BadRequestSchema, ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { expect, test } from 'vitest';
import { FormProblem } from './form-problem.ts';

/** An error with the details that the mesh gives. */
function refusal(code: Code, reason: string, violations: MessageInitShape<typeof BadRequestSchema>['fieldViolations']) {
  return new ConnectError('words for developers', code, undefined, [
    { desc: ErrorInfoSchema, value: { reason, domain: 'realchat.dev' } },
    { desc: BadRequestSchema, value: { fieldViolations: violations ?? [] } },
  ]);
}

test('a failure stands at its field of a form, and only elsewhere when it has none', () => {
  const fields = { username: 'username', password: 'password', member_ids: 'members' };
  const violations = [{ field: 'group.member_ids[2]', description: 'no' }];
  const problems = [
    FormProblem.of(refusal(Code.InvalidArgument, 'INVALID_REQUEST', violations), fields),
    FormProblem.of(refusal(Code.AlreadyExists, 'USERNAME_TAKEN', []), fields),
    FormProblem.of(new UnknownUserError('eve', undefined), fields, 'members'),
    FormProblem.of(new ConnectError('away', Code.Unavailable), fields),
  ];
  const named = problems.map((problem) => Object.keys(problem.fields));
  expect(named).toEqual([['members'], ['username'], ['members'], []]);
  expect(problems.map(({ message }) => message)).toEqual(['', '', '', 'The server cannot be reached.']);
});
