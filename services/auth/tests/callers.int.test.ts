import { AuthService as AuthContract } from '@realchat/gen/realchat/auth/v1/auth_service';
import { isOpen } from '@realchat/rpc';
import { refusalOf } from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

// Every RPC that rules over sessions, called by everyone who may or may not, against one session: `own`.
// Who has no token is refused by all that need one: test/e2e/refusals.e2e.test.ts.

/** By the session itself, by another of its account, by one of the account that has ended, by another account's. */
const CALLERS = ['own', 'sibling', 'ended', 'foreign'] as const;
type Caller = (typeof CALLERS)[number];

interface Login {
  sessionId: string;
  refreshToken: string;
  calls: TestClient<typeof AuthContract>;
}

type Stage = Record<Caller, Login>;

const OTHER_PASSWORD = 'six proud badgers hum';
const NEW_PASSWORD = 'nine brave herons sing';

let fixture: AuthFixture;
beforeAll(async () => {
  fixture = await startAuth();
});
afterAll(() => fixture.stop());

async function setStage(): Promise<Stage> {
  const username = someUsername();
  const account = { username, password: PASSWORD };
  const own = toLogin(await fixture.auth.register(account));
  const sibling = toLogin(await fixture.auth.login(account));
  const ended = toLogin(await fixture.auth.login(account));
  await fixture.auth.logout({ refreshToken: ended.refreshToken });
  const foreign = toLogin(await fixture.auth.register({ username: someUsername(), password: OTHER_PASSWORD }));
  return { own, sibling, ended, foreign };
}

function toLogin({ accessToken, refreshToken }: { accessToken: string; refreshToken: string }): Login {
  const sessionId = decodeJwt(accessToken)['sid'] as string;
  return { sessionId, refreshToken, calls: createTestClient(AuthContract, fixture.service.ports.grpc, accessToken) };
}

const CODES: Record<string, string> = {
  TOKEN_REVOKED: 'UNAUTHENTICATED',
  BAD_CREDENTIALS: 'UNAUTHENTICATED',
  SESSION_NOT_FOUND: 'NOT_FOUND',
};
const revoked = 'TOKEN_REVOKED';
const all: Caller[] = ['own', 'sibling', 'foreign'];

interface Row {
  name: string;
  call: (as: Login, stage: Stage) => Promise<unknown>;
  /** By caller: OK or the reason, and which of the stage's sessions live afterwards. */
  own: [string, Caller[]];
  sibling: [string, Caller[]];
  ended: [string, Caller[]];
  foreign: [string, Caller[]];
}

const TABLE: Row[] = [
  {
    name: 'ListSessions',
    call: async (as, { own, foreign }) => {
      const { sessions } = await as.calls.listSessions({});
      const ids = sessions.map(({ sessionId }) => sessionId);
      expect([ids.includes(own.sessionId), ids.includes(foreign.sessionId)]).toEqual([as !== foreign, as === foreign]);
    },
    own: ['OK', all],
    sibling: ['OK', all],
    ended: [revoked, all],
    foreign: ['OK', all],
  },
  {
    name: 'RevokeSession',
    call: (as, { own }) => as.calls.revokeSession({ sessionId: own.sessionId }),
    own: ['OK', ['sibling', 'foreign']],
    sibling: ['OK', ['sibling', 'foreign']],
    ended: [revoked, all],
    foreign: ['SESSION_NOT_FOUND', all],
  },
  {
    // With the password of the account of `own`.
    name: 'ChangePassword',
    call: (as) => as.calls.changePassword({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD }),
    own: ['OK', ['own', 'foreign']],
    sibling: ['OK', ['sibling', 'foreign']],
    ended: [revoked, all],
    foreign: ['BAD_CREDENTIALS', all],
  },
  {
    // Whoever holds a refresh token may end its session, and no other: the access token is not asked for.
    name: 'Logout',
    call: (as, { own }) => as.calls.logout({ refreshToken: own.refreshToken }),
    own: ['OK', ['sibling', 'foreign']],
    sibling: ['OK', ['sibling', 'foreign']],
    ended: ['OK', ['sibling', 'foreign']],
    foreign: ['OK', ['sibling', 'foreign']],
  },
];

test('the table has every RPC that needs a token, and Logout', () => {
  const closed = AuthContract.methods.filter((method) => !isOpen(method));
  expect(TABLE.map(({ name }) => name).toSorted()).toEqual([...closed.map(({ name }) => name), 'Logout'].toSorted());
});

describe.each(TABLE)('S-02, S-24: $name', ({ call, ...expected }) => {
  test.each(CALLERS.map((caller) => [caller, ...expected[caller]] as const))(
    'by the session that is %s: %s, and %j live on',
    async (caller, reason, alive) => {
      const stage = await setStage();
      if (reason === 'OK') await call(stage[caller], stage);
      else {
        const refusal = await refusalOf(call(stage[caller], stage));
        expect(refusal).toMatchObject({ code: CODES[reason], reason });
      }
      const lives = await Promise.all(CALLERS.map((each) => isAlive(stage[each])));
      expect(CALLERS.filter((_, i) => lives[i])).toEqual(alive);
    },
  );
});

async function isAlive({ refreshToken }: Login): Promise<boolean> {
  return fixture.auth.refreshSession({ refreshToken }).then(
    () => true,
    async (error: unknown) => {
      expect(await refusalOf(Promise.reject(error))).toMatchObject({ reason: 'REFRESH_TOKEN_INVALID' });
      return false;
    },
  );
}
