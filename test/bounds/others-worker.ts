import { parentPort, workerData } from 'node:worker_threads';
import { createGrpcCaller } from '../e2e/clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../e2e/clients/user.ts';
import { startEvenLoad } from '../e2e/support/even-load.ts';

/** What the thread of the others is started with. */
export interface OthersData {
  address: string;
  certificateAuthority: Uint8Array;
}

/** What it answers: it is ready, how one window went, or that one did not go well. */
export type OthersReply = { ready: true } | { ackMs: number } | { failed: string };

const SENDERS = 4;
const LISTENERS = 2;
const PER_SECOND = 30;
const WINDOW_MS = 2_000;

const { address, certificateAuthority } = workerData as OthersData;
const users = Array.from(
  { length: SENDERS + LISTENERS },
  () => new User(createGrpcCaller(address, Buffer.from(certificateAuthority))),
);
await Promise.all(users.map((user) => user.register(newUsername(), newPassword())));
const load = await startEvenLoad({
  senders: users.slice(0, SENDERS),
  listeners: users.slice(SENDERS),
  perSecond: PER_SECOND,
  members: users.map(({ userId }) => userId),
});
const reply = (answer: OthersReply) => parentPort?.postMessage(answer);
parentPort?.on('message', () => {
  load.window(WINDOW_MS).then(
    ({ ackMs }) => reply({ ackMs }),
    (error: unknown) => reply({ failed: error instanceof Error ? error.message : String(error) }),
  );
});
reply({ ready: true });
