import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
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
  const instance: Instance = {
    address: { host: '127.0.0.1', port },
    calls: [],
    refuses: false,
    server: createGrpcServer({
      identity: undefined,
      listen: { host: '127.0.0.1', port },
      implementations: [
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

function client() {
  const addresses = instances.map(({ address }) => address);
  return createGrpcClient(AccountService, addresses, { identity: undefined, deadlineMs: 2_000 });
}

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

test('an instance that stops is left with no call lost, and taken up again when it is back', async () => {
  const accounts = client();
  const [first, second] = pair();
  let failed = 0;
  let calling = true;
  const callers = Array.from({ length: 8 }, async () => {
    while (calling) await accounts.findMissingAccounts(WHO).catch(() => failed++);
  });
  await until('both serve', () => first.calls.length > 20 && second.calls.length > 20);
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
  expect(one + other).toBeLessThan(75);
  accounts.close();
});

test('a target needs an address', () => {
  expect(() => createGrpcClient(MessageService, [], { identity: undefined, deadlineMs: 1 })).toThrow(
    'a target needs an address',
  );
});
