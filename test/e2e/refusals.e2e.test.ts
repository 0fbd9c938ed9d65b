import { randomUUID } from 'node:crypto';
import { create, type DescMessage, type DescMethod } from '@bufbuild/protobuf';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { isOpen, PUBLIC_SERVICES } from '@realchat/rpc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContract } from '../contract/contract-image.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { connectHttp2 } from './probes/http2-connection.ts';
import { connectJsonProbe, envelope, grpcProbe, grpcWebProbe } from './probes/http2-probes.ts';
import type { Ask, Outcome, Probe } from './probes/outcome.ts';
import { webSocketProbe } from './probes/websocket-probe.ts';
import { type ForgedToken, forgeTokens } from './refusals/forged-tokens.ts';
import { invalidRequests, validMessage } from './refusals/invalid-requests.ts';
import { createLeakFinder } from './refusals/leaks.ts';
import { reasonCases } from './refusals/reasons.ts';
import { type Mesh, useMesh } from './support/mesh.ts';
import { type MessageStore, openMessageStore } from './support/message-store.ts';

const methods = PUBLIC_SERVICES.flatMap((service) => service.methods);
const closed = methods.filter((method) => !isOpen(method));
const forOperators = methods.filter(({ parent }) => parent.typeName.startsWith('realchat.operations.'));
const ofConversations = closed.filter((method) => method.input.field.conversationId);

/** What one of a direct conversation's two is told, where it is not OK. */
const toInsiders: Record<string, string> = {
  UpdateConversation: 'NOT_A_GROUP',
  AddMembers: 'NOT_A_GROUP',
  RemoveMember: 'NOT_A_GROUP',
  LeaveConversation: 'NOT_A_GROUP',
  UpdateMemberRole: 'NOT_A_GROUP',
  GetMessage: 'MESSAGE_NOT_FOUND',
};

const transports: Record<string, (mesh: Mesh) => Probe> = {
  grpc: (mesh) => grpcProbe(mesh.tlsAddress, mesh.certificateAuthority),
  'grpc-web': (mesh) => grpcWebProbe(mesh.tlsAddress, mesh.certificateAuthority),
  'connect-json': (mesh) => connectJsonProbe(mesh.tlsAddress, mesh.certificateAuthority),
  websocket: (mesh) => webSocketProbe(mesh.webSocketUrl, mesh.certificateAuthority),
};

// Three users make all these calls in seconds. Limits have their own tests.
const RATE_LIMITS = JSON.stringify({ '*': 1000 });

const mesh = useMesh({ env: { auth: { RATE_LIMITS }, gateway: { RATE_LIMITS } } });
let store: MessageStore;
let owner: User;
let peer: User;
let stranger: User;
let conversationId: string;
let forged: ForgedToken[];
let leaksIn: (everything: string) => string[];

beforeAll(async () => {
  store = await openMessageStore(mesh());
  leaksIn = createLeakFinder(mesh());
  [owner, peer, stranger] = (await Promise.all([newUser(), newUser(), newUser()])) as [User, User, User];
  conversationId = await owner.createConversation({ direct: peer.userId });
  await owner.send(conversationId, 'between us');
  forged = await forgeTokens(mesh(), owner.accessToken);
});

afterAll(async () => {
  await Promise.all([owner, peer, stranger].map((user) => user?.close()));
  await store?.close();
});

describe.each(Object.keys(transports))('over %s', (transport) => {
  let probe: Probe;

  beforeAll(() => {
    probe = (transports[transport] as (mesh: Mesh) => Probe)(mesh());
  });

  afterAll(() => probe.close());

  /** Makes a call; whatever comes back must not tell of the inside. */
  const ask = async (what: Ask): Promise<Outcome> => {
    const outcome = await probe.ask(what);
    expect(leaksIn(outcome.everything)).toEqual([]);
    return outcome;
  };

  test.each(closed.map(named))('S-01: %s without a token is refused', async (_name, method) => {
    const outcome = await ask({ method, request: validMessage(method.input) });
    expect(outcome).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', domain: 'realchat.dev' });
  });

  test.each(methods.filter((method) => !closed.includes(method)).map(named))(
    '%s asks for no token',
    async (_name, method) => {
      expect((await ask({ method, request: validMessage(method.input) })).reason ?? '').not.toMatch(/^TOKEN/);
    },
  );

  test.each(closed.map(named))('S-15 to S-20: %s with any forged token is refused', async (_name, method) => {
    const request = validMessage(method.input);
    for (const { what, token, reason } of forged) {
      const outcome = await ask({ method, request, token });
      expect([what, outcome.code]).toEqual([what, 'UNAUTHENTICATED']);
      // A WebSocket's token is refused with its session, by a close code.
      if (transport === 'websocket') expect(outcome.ending).toMatch(/^closed 4401 /);
      else expect([what, outcome.reason, outcome.domain]).toEqual([what, reason, 'realchat.dev']);
    }
  });

  test.each(methods.map(named))('%s names the field at fault, for each of its rules', async (_name, method) => {
    for (const { field, rule, request } of invalidRequests(method)) {
      const outcome = await ask({ method, request, token: owner.accessToken });
      const { code, reason, domain, fields } = outcome;
      expect({ field, rule, code, reason, domain, fields: [...new Set(fields)] }).toEqual({
        field,
        rule,
        code: 'INVALID_ARGUMENT',
        reason: 'INVALID_REQUEST',
        domain: 'realchat.dev',
        fields: [field],
      });
    }
  });

  test.each(ofConversations.map(named))(
    'S-02: %s answers a stranger as if there were no such conversation',
    async (_name, method) => {
      const before = await store.countMessages();
      const of = (id: string) =>
        Object.assign(validMessage(method.input), { conversationId: id, clientMessageId: randomUUID(), pageToken: '' });
      const foreign = await ask({ method, request: of(conversationId), token: stranger.accessToken });
      const absent = await ask({ method, request: of(randomUUID()), token: stranger.accessToken });
      expect(foreign).toMatchObject({ code: 'NOT_FOUND', reason: 'CONVERSATION_NOT_FOUND', domain: 'realchat.dev' });
      expect(foreign.ending).toBe(absent.ending);
      expect(await store.countMessages()).toBe(before);

      const inside = await ask({ method, request: of(conversationId), token: peer.accessToken });
      expect(inside.reason ?? inside.code).toBe(toInsiders[method.name] ?? 'OK');
    },
  );

  test.each(forOperators.map(named))('%s is for operators alone', async (_name, method) => {
    const outcome = await ask({ method, request: validMessage(method.input), token: owner.accessToken });
    expect(outcome).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'NOT_AN_OPERATOR', domain: 'realchat.dev' });
  });

  test('S-06: nobody is taken for another by headers of the inside', async () => {
    const method = ConversationService.method.getConversation;
    const names = ['x-user-id', 'x-jwt-payload', 'x-internal-user', 'x-authenticated-user', 'x-forwarded-user'];
    const headers = Object.fromEntries(names.map((name) => [name, owner.userId]));
    const request = create(method.input, { conversationId });
    expect(await ask({ method, request, token: stranger.accessToken, headers })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await ask({ method, request, headers })).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test.each(internalMethods().map(named))('S-07: %s, which is internal, is not there', async (_name, method) => {
    const outcome = await ask({ method, request: create(method.input), token: owner.accessToken });
    expect(outcome).toMatchObject({ code: 'UNIMPLEMENTED', reason: 'METHOD_UNKNOWN' });
  });

  test.each(reasonCases)('$reason, when $when', async ({ code, reason, ask: make, also }) => {
    const outcome = await ask(await make({ owner, peer, conversationId }));
    expect(outcome).toMatchObject({ code, reason, domain: 'realchat.dev', ...also });
  });

  test('S-47: a wrong password and an unknown name are told the same', async () => {
    const method = AuthService.method.login;
    const wrong = (username: string) => create(method.input, { username, password: 'wrong horse battery staple' });
    const known = await ask({ method, request: wrong(owner.username) });
    const unknown = await ask({ method, request: wrong(newUsername()) });
    expect(known).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'BAD_CREDENTIALS' });
    expect(known.ending).toBe(unknown.ending);
  });
});

test('S-07, S-14: paths that nearly name a method, and what operators read, are nowhere', async () => {
  const connection = connectHttp2(mesh().tlsAddress, mesh().certificateAuthority);
  const nearly = [
    ...variantsOf('/realchat.messaging.v1.MessageService/ListMessages'),
    '/realchat.messaging.v1.LogService%2fReadHeads',
    '//realchat.messaging.v1.LogService/ReadHeads',
    '/realchat.messaging.v1.MessageService/../LogService/ReadHeads',
    '/metrics',
    '/readyz',
    '/config_dump',
    '/stats',
    '/server_info',
    '/.git/config',
    '/../package.json',
    '/assets/../../package.json',
  ];
  try {
    for (const each of nearly) {
      const headers = { authorization: `Bearer ${owner.accessToken}` };
      for (const type of ['application/grpc', 'application/json']) {
        const answer = await connection.post(each, { ...headers, 'content-type': type, te: 'trailers' }, envelope(''));
        const status = answer.headers['grpc-status'] ?? answer.status;
        expect([each, type, String(status)]).toEqual([each, type, expect.stringMatching(/^(12|3|404|400|405)$/)]);
        expect(leaksIn(JSON.stringify(answer.headers) + answer.body.toString('latin1'))).toEqual([]);
      }
    }
  } finally {
    await connection.close();
  }
});

test('every id in a request is known for what it gives away', () => {
  const known = {
    conversation_id: 'a stranger is told what one who made it up is told',
    user_id: 'users may be found by whoever has their id',
    member_ids: 'users may be found by whoever has their id',
    user_ids: 'users may be found by whoever has their id; who is there is told to those who share a conversation',
    message_id: 'looked for in a conversation of the caller’s own',
    client_message_id: 'of the caller’s own device',
    request_id: 'of the caller’s own',
    device_id: 'of the caller’s own session',
    dead_letter_id: 'for operators: operations’ tests',
    session_id: 'another user’s is answered as one that does not exist: auth’s sessions tests',
  };
  const ids = new Set(methods.flatMap((method) => [...idsIn(method.input)]));
  expect([...ids].filter((name) => !(name in known))).toEqual([]);
  expect(ofConversations.map((method) => method.name).toSorted()).toEqual([
    'AddMembers',
    'GetConversation',
    'GetMessage',
    'LeaveConversation',
    'ListMembers',
    'ListMessages',
    'MarkDelivered',
    'MarkRead',
    'RemoveMember',
    'SendMessage',
    'SetTyping',
    'UpdateConversation',
    'UpdateMemberRole',
  ]);
});

async function newUser(): Promise<User> {
  const user = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  await user.register(newUsername(), newPassword());
  return user;
}

function variantsOf(path: string): string[] {
  return [
    `${path}/`,
    `/${path}`,
    `${path}%00`,
    path.toLowerCase(),
    path.replace('.v1.', '.v2.'),
    path.replace('/List', '/list'),
    path.replace('/ListMessages', '/'),
  ];
}

function named(method: DescMethod): [string, DescMethod] {
  return [`${method.parent.name}.${method.name}`, method];
}

function internalMethods(): DescMethod[] {
  const open = new Set(PUBLIC_SERVICES.map((service) => service.typeName));
  const services = readContract().flatMap((file) => file.services);
  return services.filter((service) => !open.has(service.typeName)).flatMap((service) => service.methods);
}

function idsIn(schema: DescMessage): string[] {
  return schema.fields.flatMap((field) => {
    const inside = field.message ? idsIn(field.message) : [];
    return /_ids?$/.test(field.name) ? [field.name, ...inside] : inside;
  });
}
