import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { silentTelemetry, until } from '@realchat/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGrpcClient } from '../client.ts';
import { implement } from '../implement.ts';
import { Code } from '../index.ts';
import { unavailable } from '../rpc-error.ts';
import { createGrpcServer, type GrpcServer } from '../server.ts';

const WHO = { userIds: ['01a21333-16e5-77df-bc02-38efe1586f38'] };

interface Instance {
  server: GrpcServer;
  address: { host: string; port: number };
  /** What came. */
  calls: string[];
  refuses: boolean;
}

let instances: Instance[];

beforeEach(async () => {
  instances = await Promise.all([startInstance(), startInstance()]);
});
afterEach(async () => {
  await Promise.all(instances.map(({ server }) => server.stop(0)));
});

async function startInstance(port = 0): Promise<Instance> {
  const login = async () => {
    instance.calls.push('login');
    return {};
  };
  const instance: Instance = {
    address: { host: '127.0.0.1', port },
    calls: [],
    refuses: false,
    server: createGrpcServer({
      identity: undefined,
      listen: { host: '127.0.0.1', port },
      implementations: [
        implement(
          AuthService,
          Object.fromEntries(AuthService.methods.map(({ localName }) => [localName, login])) as never,
        ),
        implement(AccountService, {
          async findMissingAccounts() {
            instance.calls.push('find');
            if (instance.refuses) throw unavailable('not now');
            return { missingUserIds: [] };
          },
        }),
      ],
      ...silentTelemetry(),
    }),
  };
  await instance.server.start();
  instance.address.port = instance.server.port;
  return instance;
}

const addresses = () => instances.map(({ address }) => address);
const client = () => createGrpcClient(AccountService, addresses(), { identity: undefined, deadlineMs: 2_000 });

const counts = () => instances.map(({ calls }) => calls.length);
const pair = (): [Instance, Instance] => instances as [Instance, Instance];

test('calls go to all instances in turn', async () => {
  const accounts = client();
  await until('both are known', async () => {
    await accounts.findMissingAccounts(WHO);
    return counts().every((count) => count > 0);
  });
  const before = counts();
  for (let call = 0; call < 10; call++) await accounts.findMissingAccounts(WHO);
  expect(counts().map((count, index) => count - (before[index] ?? 0))).toEqual([5, 5]);
  accounts.close();
});

test('an instance that stops is left, no call being lost or repeated, and taken up again when it is back', async () => {
  // Calls that nobody may repeat but the transport itself, when they were not begun.
  const auth = createGrpcClient(AuthService, addresses(), { identity: undefined, deadlineMs: 2_000 });
  const request = { username: 'ada', password: 'seven kayaks drift north' };
  const [first, second] = pair();
  let failed = 0;
  let answered = 0;
  let calling = true;
  const callers = Array.from({ length: 8 }, async () => {
    while (calling)
      await auth.login(request).then(
        () => answered++,
        () => failed++,
      );
  });
  await until('both serve', () => first.calls.length > 20 && second.calls.length > 20);
  await first.server.retire();
  await first.server.stop(1_000);
  const left = first.calls.length;
  const served = second.calls.length;
  await until('the other goes on', () => second.calls.length > served + 50);
  expect(first.calls.length).toBe(left);
  const again = await startInstance(first.address.port);
  instances[0] = again;
  await until('it is called again', () => again.calls.length > 20);
  calling = false;
  await Promise.all(callers);
  expect(failed).toBe(0);
  expect(first.calls.length + second.calls.length + again.calls.length).toBe(answered);
  auth.close();
});

test('one that has retired but still has its connections refuses calls, and they are made elsewhere unseen', async () => {
  const accounts = client();
  const [first, second] = pair();
  await until('both serve', async () => {
    await accounts.findMissingAccounts(WHO);
    return counts().every((count) => count > 0);
  });
  await first.server.retire();
  const begun = counts();
  for (let call = 0; call < 40; call++) await accounts.findMissingAccounts(WHO);
  expect(counts()).toEqual([begun[0], (begun[1] ?? 0) + 40]);
  expect(second.calls.length).toBeGreaterThan(40);
  accounts.close();
});

test('a call that may be repeated is, elsewhere, when an instance refuses it', async () => {
  const accounts = client();
  const [first] = pair();
  first.refuses = true;
  await until('it was asked', async () => {
    await accounts.findMissingAccounts(WHO);
    return first.calls.length > 0;
  });
  accounts.close();
});

test('with every instance refusing, the repeats end before they are a load of their own', async () => {
  const accounts = client();
  for (const instance of instances) instance.refuses = true;
  for (let call = 0; call < 50; call++) {
    await expect(accounts.findMissingAccounts(WHO)).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  }
  const [one = 0, other = 0] = counts();
  expect(one + other).toBeGreaterThan(50);
  expect(one + other).toBeLessThan(80);
  accounts.close();
});

test('a target needs an address', () => {
  expect(() => createGrpcClient(MessageService, [], { identity: undefined, deadlineMs: 1 })).toThrow(
    'a target needs an address',
  );
});
