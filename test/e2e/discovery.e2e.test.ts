import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { PUBLIC_SERVICES } from '@realchat/rpc';
import { meshTlsFiles, type PartName, repositoryRoot } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { useMesh } from './support/mesh.ts';
import { type MessageStore, openMessageStore } from './support/message-store.ts';
import { readTopic } from './support/topic.ts';

const SERVICES = ['auth', 'profile', 'messaging', 'delivery', 'operations'] as const;
const PROCESSES = [...SERVICES, 'relay', 'gateway'] as const;

const mesh = useMesh();
let store: MessageStore;
let user: User;

beforeAll(async () => {
  store = await openMessageStore(mesh());
  user = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  await user.register(newUsername(), newPassword());
});

afterAll(async () => {
  await user?.close();
  await store?.close();
});

describe('somebody with buf and nothing else', () => {
  test('lists the services of the mesh at the edge', async () => {
    const { output } = await buf('curl', '--list-services', mesh().tls, ...trust());
    const listed = output.split('\n').filter(Boolean);
    expect(listed).toEqual(expect.arrayContaining(PUBLIC_SERVICES.map((service) => service.typeName)));
    expect(listed.filter((name) => /LogService|AccountService/.test(name))).toEqual([]);
  });

  test.each(['grpc', 'grpcweb', 'connect'])('calls by reflection alone, over %s', async (protocol) => {
    const call = (method: string, data: object, ...more: string[]) =>
      buf(
        'curl',
        '--protocol',
        protocol,
        ...trust(),
        ...more,
        '--data',
        JSON.stringify(data),
        `${mesh().tls}/${method}`,
      );
    const credentials = { username: newUsername(), password: newPassword() };
    const made = await call('realchat.auth.v1.AuthService/Register', credentials);
    const { userId, accessToken } = JSON.parse(made.output) as { userId: string; accessToken: string };
    expect(userId).toMatch(/^[0-9a-f-]{36}$/);
    const token = ['--header', `authorization: Bearer ${accessToken}`];
    const listed = await call('realchat.messaging.v1.ConversationService/ListConversations', {}, ...token);
    expect(JSON.parse(listed.output)).toEqual({});

    const refused = await call('realchat.messaging.v1.ConversationService/ListConversations', {});
    expect(refused.exitCode).not.toBe(0);
    const { code, details } = JSON.parse(refused.output) as { code: string; details: { value: string }[] };
    const info = fromBinary(ErrorInfoSchema, Buffer.from(details[0]?.value ?? '', 'base64'));
    expect({ code, reason: info.reason }).toEqual({ code: 'unauthenticated', reason: 'TOKEN_MISSING' });
  });

  test('asks the edge for its health', async () => {
    const health = `${mesh().tls}/grpc.health.v1.Health/Check`;
    const { output } = await buf(
      'curl',
      '--protocol',
      'grpc',
      ...trust(),
      '--schema',
      repositoryRoot,
      '--data',
      '{}',
      health,
    );
    expect(JSON.parse(output)).toEqual({ status: 'SERVING' });
  });

  test.each(SERVICES)('asks %s itself for its services and their health, as the edge', async (name) => {
    const address = `https://${mesh().stack.environment(name).GRPC_LISTEN}`;
    const { certificate, key, authority } = meshTlsFiles(join(mesh().stack.paths.meshTls, 'envoy'));
    const asEdge = ['--protocol', 'grpc', '--cacert', authority, '--cert', certificate, '--key', key];
    const { output } = await buf('curl', '--list-services', ...asEdge, address);
    const own = PUBLIC_SERVICES.map((service) => service.typeName).filter((type) =>
      type.startsWith(`realchat.${name}.`),
    );
    expect(output.split('\n')).toEqual(expect.arrayContaining(own));
    for (const service of ['', ...own]) {
      const health = `${address}/grpc.health.v1.Health/Check`;
      const schema = ['--schema', repositoryRoot, '--data', JSON.stringify({ service })];
      expect(JSON.parse((await buf('curl', ...asEdge, ...schema, health)).output)).toEqual({ status: 'SERVING' });
    }
  });
});

describe.each(PROCESSES)('an operator of %s', (name) => {
  const get = async (path: string) => {
    const response = await fetch(`http://${mesh().stack.environment(name).OPS_LISTEN}${path}`);
    return { status: response.status, body: await response.text() };
  };

  test('sees that it lives, that it is ready, and what it counts', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    const { status, body } = await get('/metrics');
    expect(status).toBe(200);
    expect(body).toMatch(/^process_cpu_user_seconds_total\{.*\} [\d.]+$/m);
    expect(body).toMatch(new RegExp(`instance="${name}-1"`));
    expect(await get('/nothing')).toMatchObject({ status: 404 });
  });

  test('reads JSON on every line of its log', async () => {
    const lines = await linesOf(name);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines)
      expect(line).toMatchObject({ level: expect.any(String), time: expect.any(String), service: name });
  });
});

describe('one trace', () => {
  const traceId = randomBytes(16).toString('hex');
  const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };
  const ofTrace = expect.stringMatching(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));

  test('runs from the call through the log and Kafka to the push', async () => {
    const stream = await user.subscribe();
    const token = user.accessToken;
    const create = ConversationService.method.createConversation;
    const group = { case: 'group' as const, value: { title: 'traced', memberIds: [] } };
    const { conversation } = await user.caller.unary(create, { conversation: group }, { token, headers });
    const conversationId = conversation?.conversationId ?? '';
    const content = { case: 'text' as const, value: 'traced' };
    const request = { conversationId, clientMessageId: 'traced', content };
    const { message } = await user.caller.unary(MessageService.method.sendMessage, request, { token, headers });
    const messageId = message?.messageId ?? '';

    const row = (await store.events()).find((event) => event.message?.messageId === messageId);
    expect(row?.traceparent).toEqual(ofTrace);
    await store.whenPublished();
    const record = (await readTopic(mesh())).find((each) => each.messageId === messageId);
    expect(record?.traceparent).toEqual(ofTrace);
    const pushed = await until('the message is pushed', () =>
      stream.frames.find(({ frame }) => frame.case === 'event' && frame.value.change.case === 'messageSent'),
    );
    expect(pushed.traceparent).toEqual(ofTrace);
    // The three are copies of one: what the writer put into the row.
    expect(new Set([row?.traceparent, record?.traceparent, pushed.traceparent]).size).toBe(1);
  });

  test('is in the log lines of messaging and of the edge', async () => {
    const ofMessaging = (await linesOf('messaging')).filter((line) => line.trace_id === traceId);
    expect(ofMessaging.map((line) => line.message)).toContain('conversation created');
    const path = '/realchat.messaging.v1.MessageService/SendMessage';
    const ofEdge = async () => (await accessLog()).filter((line) => line.trace_id === traceId && line.path === path);
    // Envoy writes its lines at most ten seconds later.
    const found = async () => {
      const lines = await ofEdge();
      return lines.length > 0 && lines;
    };
    const [line] = await until('the edge has logged the call', found, 20_000);
    expect(line).toMatchObject({ service: 'envoy', grpc_status: '0', user_id: user.userId });
  });

  test('and no log has a token, a password or a text', async () => {
    const everything = await Promise.all([...PROCESSES.map((name) => logOf(name)), accessLogText()]);
    const secrets = [user.accessToken, user.accessToken.split('.')[2] ?? '', 'correct horse'];
    for (const secret of secrets) expect(everything.filter((text) => text.includes(secret))).toEqual([]);
    expect(everything.filter((text) => text.includes('"traced"'))).toEqual([]);
  });
});

type LogLine = Record<string, unknown>;

function logOf(name: PartName): Promise<string> {
  return readFile(mesh().stack.process(name).logFile, 'utf8');
}

async function linesOf(name: PartName): Promise<LogLine[]> {
  return parseLines(await logOf(name));
}

async function accessLog(): Promise<LogLine[]> {
  return parseLines(await accessLogText());
}

function accessLogText(): Promise<string> {
  return readFile(join(mesh().stack.paths.logs, 'envoy-access.log'), 'utf8');
}

function parseLines(text: string): LogLine[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogLine);
}

function trust(): string[] {
  return ['--cacert', mesh().certificateAuthorityFile];
}

/** Runs buf; whatever it says is the output. */
function buf(...args: string[]): Promise<{ exitCode: number; output: string }> {
  const binary = join(repositoryRoot, 'node_modules', '.bin', 'buf');
  return new Promise((resolve) => {
    const child = execFile(binary, args, { cwd: repositoryRoot, timeout: 30_000 }, (_error, out, err) => {
      resolve({ exitCode: child.exitCode ?? 1, output: out + err });
    });
  });
}
