import { BareDevice } from '../../integrity/clients/bare-device.ts';
import type { Cast } from '../../integrity/clients/cast.ts';
import { Membership } from '../../integrity/clients/membership.ts';
import type { Journal } from '../../integrity/history/journal.ts';
import {
  createConnectJsonCaller,
  createGrpcWebCaller,
  createWebSocketCaller,
  type SocketLife,
} from '../clients/connect-caller.ts';
import { createGrpcCaller } from '../clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../clients/user.ts';
import type { Mesh } from '../support/mesh.ts';

/** Devices over every transport, none of which hides a failure: those of the integrity kit that have nothing but the contract. */
export interface TransportCast extends Cast {
  /** How their sockets were closed. */
  sockets: SocketLife;
}

/** Members of each conversation, the hot one first. Many small ones, so that each relay has some in its shards. */
const SIZES = [8, 5, 4, 3, 2, ...Array<number>(12).fill(3)];

export async function assembleTransports(mesh: Mesh, journal: Journal, count: number): Promise<TransportCast> {
  const { tls, tlsAddress, webSocketUrl: url, certificateAuthority } = mesh;
  const sockets: SocketLife = { closed: [] };
  const bySocket = () =>
    new User((token) => createWebSocketCaller({ url, certificateAuthority, token, life: sockets }));
  const callers = [
    bySocket,
    () => new User(createGrpcCaller(tlsAddress, certificateAuthority)),
    () => new User(createConnectJsonCaller(tls)),
    () => new User(createGrpcWebCaller(tls)),
  ];
  const devices: BareDevice[] = [];
  for (let i = 0; i < count; i++) {
    const sender = (callers[i % callers.length] as () => User)();
    await sender.register(newUsername(), newPassword());
    // Connect with JSON has no streams: a socket follows.
    const follower = sender.name === 'connect-json' ? bySocket() : sender;
    if (follower !== sender) follower.join(sender);
    devices.push(new BareDevice(journal, sender, follower));
  }
  await Promise.all(devices.map((device) => device.follow()));
  const membership = new Membership(journal);
  const conversations: string[] = [];
  for (const [i, size] of SIZES.entries()) {
    const owner = devices[i % count] as BareDevice;
    const others = devices.filter((device) => device !== owner).slice(0, size - 1);
    conversations.push(await membership.create(owner, `of ${size}`, others));
  }
  return { devices, bare: devices, resumable: [], conversations, membership, watches: [], sockets };
}
