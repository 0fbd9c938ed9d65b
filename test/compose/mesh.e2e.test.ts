import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { createClient } from '@realchat/db';
import { until } from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createWebSocketCaller } from '../e2e/clients/connect-caller.ts';
import { createGrpcCaller } from '../e2e/clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../e2e/clients/user.ts';
import { loadComposeFile } from './support/compose-file.ts';
import { NativeCompose } from './support/native-compose.ts';

// No container engine is needed: what the compose file says is run, but for the containers (support/native-compose.ts).
describe('the mesh of docker-compose.yml', () => {
  let compose: NativeCompose;
  let failed = false;

  beforeAll(async () => {
    compose = await NativeCompose.create(await loadComposeFile());
    process.once('SIGTERM', () => compose.killNow());
    await compose.up();
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(async () => {
    await compose.down();
    if (!failed) await compose.removeFiles();
  });

  test('comes up, and a message goes through it from gRPC to a WebSocket', async () => {
    const authority = await readFile(compose.pathIn('tls', 'ca.crt'));
    const edge = `localhost:${compose.ports.edgeTls}`;
    const ada = new User(createGrpcCaller(edge, authority));
    const url = `wss://${edge}/ws`;
    const ben = new User((token) => createWebSocketCaller({ url, certificateAuthority: authority, token }));
    try {
      await Promise.all([ada, ben].map((user) => user.register(newUsername(), newPassword())));
      const stream = await ben.subscribe();
      // A profile is made from the topic: relay, Kafka and reader work.
      await until('the profile is there', async () => (await ada.findUser(ben.username)) === ben.userId);
      const conversation = await ada.createConversation({ direct: ben.userId });
      await ada.send(conversation, 'hello');
      await until('the message is pushed', () => stream.messages.some(({ text }) => text === 'hello'));
    } finally {
      await Promise.all([ada, ben].map((user) => user.close()));
    }
  });

  test('serves the page over TLS with the certificate that it made', async () => {
    const authority = await readFile(compose.pathIn('tls', 'ca.crt'));
    const page = await new Promise<string>((resolve, reject) => {
      request(`https://localhost:${compose.ports.edgeTls}/`, { ca: authority }, (answer) => resolve(text(answer)))
        .once('error', reject)
        .end();
    });
    expect(page).toContain('<!doctype html>');
  });

  test('S-70: lets a role into its own database and no other', async () => {
    const { DATABASE_URL = '' } = compose.environment('auth');
    const connects = async (database: string) => {
      const url = new URL(DATABASE_URL);
      url.pathname = `/${database}`;
      const client = createClient({ url: url.href, name: 'probe' });
      try {
        await client.connect();
        return true;
      } catch {
        return false;
      } finally {
        await client.end();
      }
    };
    expect(await connects('auth')).toBe(true);
    for (const other of ['profile', 'messaging', 'delivery', 'postgres', 'template1'])
      expect(await connects(other)).toBe(false);
  });

  test.each([
    'databases',
    'auth-migration',
    'profile-migration',
    'messaging-migration',
    'delivery-migration',
    'topics',
    'mesh-tls',
    'edge-files',
  ])('repeats the job %s at the next up without harm', async (job) => {
    await compose.runJob(job);
  });

  test('goes down with nobody killed', async () => {
    expect(await compose.down()).toEqual([]);
  });
});
