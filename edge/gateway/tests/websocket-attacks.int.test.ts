import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawClient, unaryCall } from './raw-client.ts';
import { type StartedGateway, startGateway } from './start-gateway.ts';

const ECHO = '/realchat.test.v1.EchoService/Unary';
const BIDI = '/realchat.test.v1.EchoService/Bidi';

let mesh: StartedGateway;

beforeAll(async () => {
  mesh = await startGateway();
});
afterAll(() => mesh.stop());

const greeted = async () => {
  const client = await rawClient(mesh.webSocketUrl);
  await client.hello(mesh.token);
  return client;
};

/** What a gateway that lives does. */
const lives = async (): Promise<void> => {
  const client = await greeted();
  client.send(...unaryCall(1, ECHO));
  expect((await client.heard('end', 1)).status?.code ?? 0).toBe(0);
  client.socket.terminate();
};

describe('a peer that breaks the framing', () => {
  test('by a text message is closed with 4400', async () => {
    const client = await greeted();
    client.socket.send('{"hello":{}}');
    expect(await client.closed).toEqual({ code: 4400, reason: 'a text message' });
    await lives();
  });

  test.each<[string, Uint8Array]>([
    ['bytes that are no Frames', Buffer.from('ffffffffffffffff', 'hex')],
    ['a frame that is cut short', Buffer.from('0a0b0801620b', 'hex')],
    ['a group', Buffer.from('0b0c', 'hex')],
    ['a length of 4 GiB', Buffer.from('0affffffff0f', 'hex')],
    ['a malformed open', Buffer.from('0a0608015202ffff', 'hex')],
    ['a call number of its own choice', Buffer.from('0a0408025200', 'hex')],
  ])('by %s is closed with 4400', async (_, bytes) => {
    const client = await greeted();
    client.sendBytes(bytes);
    expect((await client.closed).code).toBe(4400);
    await lives();
  });

  test('by 500 messages of random bytes harms nobody else', async () => {
    const bystander = await greeted();
    for (let round = 0; round < 20; round++) {
      const client = await greeted();
      for (let index = 0; index < 25; index++) client.sendBytes(randomBytes(1 + ((round * 25 + index) % 300)));
      expect([4400, 1000, 1005]).toContain((await client.closed).code);
    }
    bystander.send(...unaryCall(1, ECHO));
    expect((await bystander.heard('end', 1)).status?.code ?? 0).toBe(0);
    bystander.socket.terminate();
  });

  test('by more calls than agreed is closed with 4429', async () => {
    const client = await greeted();
    client.send(
      ...Array.from({ length: 129 }, (_, index) => ({
        call: 2 * index + 1,
        kind: { case: 'open' as const, value: { method: BIDI } },
      })),
    );
    expect((await client.closed).code).toBe(4429);
    await lives();
  });
});

describe('a peer that breaks the WebSocket protocol', () => {
  test('S-41: by a message that is too large is closed with 1009', async () => {
    const client = await greeted();
    client.sendBytes(new Uint8Array(128 * 1024 + 1));
    expect((await client.closed).code).toBe(1009);
    await lives();
  });

  /** Frames by hand, on a socket that has said nothing yet. */
  const answerTo = async (bytes: Buffer): Promise<Buffer> => {
    const socket = connect(Number(new URL(mesh.http).port), '127.0.0.1');
    const key = randomBytes(16).toString('base64');
    const lines = [
      'GET /ws HTTP/1.1',
      'Host: x',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
    ];
    socket.write(
      `${[...lines, `Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Protocol: realchat.v1'].join('\r\n')}\r\n\r\n`,
    );
    const heard: Buffer[] = [];
    socket.on('data', (chunk) => {
      if (heard.length === 0) socket.write(bytes);
      heard.push(chunk);
    });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.on('close', resolve));
    const all = Buffer.concat(heard);
    return all.subarray(all.indexOf('\r\n\r\n') + 4);
  };
  const closeCode = (answer: Buffer): number => (answer[0] === 0x88 ? answer.readUInt16BE(2) : 0);

  test.each<[string, string, number]>([
    ['an unmasked frame', '8203010203', 1002],
    ['a reserved bit', 'c28000000000', 1002],
    ['an unknown opcode', '838000000000', 1002],
    ['a fragmented ping', '098000000000', 1002],
    ['a ping of 126 bytes', `89fe007e00000000${'00'.repeat(126)}`, 1002],
    ['a close code that may not be sent', '88820000000003ed', 1002],
    ['a close reason that is no UTF-8', '88840000000003e8ffff', 1007],
    ['a text that is no UTF-8', '818200000000ffff', 1007],
    ['a length of 2 to the 62', '82ff400000000000000000000000', 1009],
  ])('by %s is closed', async (_, hex, code) => {
    expect(closeCode(await answerTo(Buffer.from(hex, 'hex')))).toBe(code);
  });

  test('S-41: by a hundred thousand fragments of one byte is closed, with flat memory', async () => {
    const before = process.memoryUsage().rss;
    const fragment = Buffer.from('008100000000aa', 'hex');
    const flood = Buffer.concat([
      Buffer.from('028100000000aa', 'hex'),
      ...Array.from({ length: 100_000 }, () => fragment),
    ]);
    const answer = await answerTo(flood);
    expect([1008, 1009]).toContain(closeCode(answer));
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    await lives();
  });

  test('S-41: by a flood of pings costs bounded memory', async () => {
    const client = await greeted();
    client.socket.pause();
    for (let index = 0; index < 20_000; index++) {
      client.socket.ping('x'.repeat(100));
      if (index % 4 === 0) client.send({ kind: { case: 'ping', value: { nonce: BigInt(index) } } });
    }
    await lives();
    client.socket.terminate();
  });
});

describe('a peer that does not keep to its credit', () => {
  test('has its call ended with RESOURCE_EXHAUSTED, and only that one', async () => {
    const client = await greeted();
    client.send({ call: 1, kind: { case: 'open', value: { method: '/realchat.test.v1.EchoService/Unary' } } });
    client.send({ call: 3, kind: { case: 'open', value: { method: BIDI } } });
    const piece = new Uint8Array(16 * 1024);
    // In one write, so that no credit can have come back in between.
    client.send(...Array.from({ length: 5 }, () => ({ call: 1, kind: { case: 'message' as const, value: piece } })));
    expect((await client.heard('end', 1)).status?.code).toBe(8);
    client.send(
      { call: 3, kind: { case: 'message', value: new Uint8Array(10) } },
      { call: 3, kind: { case: 'halfClose', value: {} } },
    );
    expect((await client.heard('end', 3)).status?.code ?? 0).toBe(0);
    client.socket.terminate();
  });

  test('by a message above 4 MiB in parts has its call ended', async () => {
    const client = await greeted();
    client.send({ call: 1, kind: { case: 'open', value: { method: BIDI } } });
    const part = { call: 1, kind: { case: 'part' as const, value: new Uint8Array(16 * 1024) } };
    let credit = 65_536;
    let counted = 0;
    for (let sent = 0; sent < 257; sent++) {
      const cost = 16 * 1024 + 32;
      while (credit < cost) {
        const credits = client.frames.filter(({ kind }) => kind.case === 'credit').slice(counted);
        counted += credits.length;
        for (const { kind } of credits) if (kind.case === 'credit') credit += kind.value.bytes;
        await new Promise((resolve) => setImmediate(resolve));
      }
      credit -= cost;
      client.send(part);
    }
    expect((await client.heard('end', 1)).status?.code).toBe(8);
    client.socket.terminate();
  });
});
