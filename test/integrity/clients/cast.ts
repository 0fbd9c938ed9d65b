import { createConnectJsonCaller } from '../../e2e/clients/connect-caller.ts';
import { createGrpcCaller } from '../../e2e/clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../../e2e/clients/user.ts';
import type { Journal } from '../history/journal.ts';
import { BareDevice } from './bare-device.ts';
import type { Device } from './device.ts';
import { Membership } from './membership.ts';
import { patiently } from './patiently.ts';
import { PresenceWatch } from './presence-watch.ts';
import { ResumableDevice } from './resumable-device.ts';

/** Where the edge is: nothing else is known of what is tested. */
export interface Edge {
  /** `http(s)://host:port`: where Connect with JSON goes, and all others without a `tls`. */
  url: string;
  /** The TLS listener, for gRPC and WebSockets, and what its clients must trust, PEM. */
  tls?: { url: string; certificateAuthority: Buffer };
}

/** Who takes part: one device each, of several kinds, and who is in which conversation. */
export interface Cast {
  devices: Device[];
  bare: BareDevice[];
  resumable: ResumableDevice[];
  /** The conversations whose members stay, the hot one first, and the one of which they come and go. */
  conversations: string[];
  membership: Membership;
  /** Some of them watch who is online of all. */
  watches: PresenceWatch[];
}

/** Members of each conversation, as shares of all; who is in none of the smaller ones must see nothing of them. */
const SHARES = [1, 0.7, 0.45, 0.25, 0.1];
/** How many watch who is online: of each kind that can. */
const WATCHERS = 4;
/** A watch is for 100 users, and those who leave for good, of three kinds, are watched too. */
const MOST_WATCHED = 97;

/** Registers the users, opens every device's stream, makes the conversations. */
export async function assemble(edge: Edge, journal: Journal, count: number): Promise<Cast> {
  const devices: Device[] = [];
  const bare: BareDevice[] = [];
  const resumable: ResumableDevice[] = [];
  for (let i = 0; i < count; i++) {
    const kind = i % 3;
    if (kind === 1) {
      const device = await ResumableDevice.create(journal, edge.tls?.url ?? edge.url, edge.tls?.certificateAuthority);
      resumable.push(device);
      devices.push(device);
    } else {
      const device = await register(edge, journal, kind === 2);
      bare.push(device);
      devices.push(device);
    }
  }
  await Promise.all(devices.map((device) => device.follow()));
  const membership = new Membership(journal);
  const conversations: string[] = [];
  for (const [i, share] of SHARES.entries()) {
    const size = Math.max(2, Math.round(share * count));
    // Another owner each time, and other members among the last.
    const owner = bare[i % bare.length] as BareDevice;
    const others = devices.filter((device) => device !== owner);
    const chosen = Array.from({ length: size - 1 }, (_, j) => others[(i * 3 + j) % others.length] as Device);
    conversations.push(await membership.create(owner, `of ${size}`, chosen));
  }
  const userIds = devices.slice(0, MOST_WATCHED).map((device) => device.userId);
  const watches = bare.slice(0, WATCHERS).map((device) => new PresenceWatch(journal, device, userIds));
  for (const watch of watches) watch.start();
  return { devices, bare, resumable, conversations, membership, watches };
}

/** A new user with native gRPC; `withJson`: who sends by Connect with JSON, which has no streams, and follows by gRPC. */
async function register(edge: Edge, journal: Journal, withJson = false): Promise<BareDevice> {
  const { host, certificateAuthority, plain } = grpcAddress(edge);
  const grpc = () => new User(createGrpcCaller(host, certificateAuthority, plain));
  const sender = withJson ? new User(createConnectJsonCaller(edge.url)) : grpc();
  await patiently(() => sender.register(newUsername(), newPassword()));
  if (!withJson) return new BareDevice(journal, sender);
  const follower = grpc();
  follower.join(sender);
  return new BareDevice(journal, sender, follower);
}

/** Where native gRPC goes. */
export function grpcAddress({ url, tls }: Edge): { host: string; certificateAuthority?: Buffer; plain: boolean } {
  const { host, protocol } = new URL(tls?.url ?? url);
  return { host, plain: protocol === 'http:', ...(tls && { certificateAuthority: tls.certificateAuthority }) };
}
