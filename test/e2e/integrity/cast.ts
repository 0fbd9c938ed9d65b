import { createConnectJsonCaller, createWebSocketCaller } from '../clients/connect-caller.ts';
import { createGrpcCaller } from '../clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../clients/user.ts';
import type { Mesh } from '../support/mesh.ts';
import { LoadDevice } from './device.ts';

/** Who takes part: one device each, over mixed transports, and who is in which conversation. */
export interface Cast {
  devices: LoadDevice[];
  /** Ids of users by conversation. */
  members: Map<string, Set<string>>;
}

/** Members of each conversation; who is in none of the smaller ones must see nothing of them. */
const SIZES = [20, 14, 9, 5, 2];

/** Registers the users, makes the conversations, and opens every device's stream. */
export async function assemble(mesh: Mesh, count: number): Promise<Cast> {
  const makers = [() => bySocket(mesh), () => byGrpc(mesh), () => byJson(mesh)];
  const pairs = Array.from({ length: count }, (_, i) => (makers[i % makers.length] as () => Pair)());
  await Promise.all(
    pairs.map(async ({ sender, follower }) => {
      await sender.register(newUsername(), newPassword());
      if (follower !== sender) follower.join(sender);
    }),
  );
  const users = pairs.map(({ sender }) => sender);
  const members = new Map<string, Set<string>>();
  for (const [i, size] of SIZES.entries()) {
    // Another owner each time, and other members among the last.
    const chosen = Array.from({ length: size }, (_, j) => users[(i * 3 + j) % users.length] as User);
    const [owner, ...others] = chosen as [User, ...User[]];
    const id = await owner.createConversation({ title: `of ${size}`, members: others.map((user) => user.userId) });
    members.set(id, new Set(chosen.map((user) => user.userId)));
  }
  const devices = pairs.map(({ sender, follower }) => new LoadDevice(sender, follower));
  await Promise.all(devices.map((device) => device.follow()));
  return { devices, members };
}

interface Pair {
  sender: User;
  follower: User;
}

function bySocket({ webSocketUrl: url, certificateAuthority }: Mesh): Pair {
  const sender = new User((token) => createWebSocketCaller({ url, certificateAuthority, token }));
  return { sender, follower: sender };
}

function byGrpc({ tlsAddress, certificateAuthority }: Mesh): Pair {
  const sender = new User(createGrpcCaller(tlsAddress, certificateAuthority));
  return { sender, follower: sender };
}

/** Connect with JSON has no streams: these follow by a socket. */
function byJson(mesh: Mesh): Pair {
  return { sender: new User(createConnectJsonCaller(mesh.plain)), follower: bySocket(mesh).sender };
}
