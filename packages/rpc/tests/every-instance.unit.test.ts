import { lookup } from 'node:dns/promises';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { silentTelemetry } from '@realchat/testkit';
import { afterEach, expect, test, vi } from 'vitest';
import { createEveryInstance, type EveryInstance } from '../every-instance.ts';
import { implement } from '../implement.ts';
import { createGrpcServer, type GrpcServer } from '../server.ts';

vi.mock('node:dns/promises', () => ({ lookup: vi.fn() }));

const WHO = { userIds: ['01a21333-16e5-77df-bc02-38efe1586f38'] };
const servers: GrpcServer[] = [];
let every: EveryInstance<(typeof AccountService)['method']>;

afterEach(async () => {
  every.close();
  await Promise.all(servers.splice(0).map((server) => server.stop(0)));
});

/** An instance that answers with its name, at that host of loopback. */
async function start(host: string, name: string, port = 0): Promise<number> {
  const implementation = implement(AccountService, { findMissingAccounts: async () => ({ missingUserIds: [name] }) });
  const listen = { host, port };
  const server = createGrpcServer({
    identity: undefined,
    listen,
    implementations: [implementation],
    ...silentTelemetry(),
  });
  await server.start();
  servers.push(server);
  return server.port;
}

async function askAll() {
  const answers = await every.ask((client) => client.findMissingAccounts(WHO));
  return answers.map((each) => [each.address, 'answer' in each ? each.answer.missingUserIds[0] : 'no answer']);
}

function createFor(...addresses: { host: string; port: number }[]) {
  every = createEveryInstance(AccountService, addresses, { identity: undefined, deadlineMs: 1_000 });
}

test('each instance answers for itself, and the one that is away is told as such', async () => {
  const [one, two] = [await start('127.0.0.1', 'one'), await start('127.0.0.1', 'two')];
  createFor({ host: '127.0.0.1', port: one }, { host: '127.0.0.1', port: 9 }, { host: '127.0.0.1', port: two });
  expect(await askAll()).toEqual([
    [`127.0.0.1:${one}`, 'one'],
    ['127.0.0.1:9', 'no answer'],
    [`127.0.0.1:${two}`, 'two'],
  ]);
});

test('a name stands for each address that it has at the moment, and without any it is told itself', async () => {
  const port = await start('127.0.0.1', 'one');
  await start('127.0.0.2', 'two', port);
  createFor({ host: 'delivery', port });
  const behind = (...addresses: string[]) =>
    vi.mocked(lookup).mockResolvedValueOnce(addresses.map((address) => ({ address, family: 4 })) as never);
  behind('127.0.0.1');
  expect(await askAll()).toEqual([[`127.0.0.1:${port}`, 'one']]);
  behind('127.0.0.1', '127.0.0.2');
  expect(await askAll()).toEqual([
    [`127.0.0.1:${port}`, 'one'],
    [`127.0.0.2:${port}`, 'two'],
  ]);
  vi.mocked(lookup).mockRejectedValueOnce(new Error('no such name'));
  expect(await askAll()).toEqual([[`delivery:${port}`, 'no answer']]);
});
