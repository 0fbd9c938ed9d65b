import { createRealChat, memoryStore, type RealChat } from '@realchat/client';
import { WebSocket as NodeWebSocket } from 'ws';
import type { Mesh } from './mesh.ts';

/** The resumable client of this repository on a WebSocket, and what it has told. */
export interface ChatDevice {
  readonly chat: RealChat;
  /** Texts in the order in which they were told. */
  readonly told: string[];
  readonly confirmed: string[];
  readonly refused: string[];
  readonly states: string[];
  /** How often it was reset. */
  resets: number;
}

const chats: RealChat[] = [];

/** Closes all that a file has made. */
export async function closeDevices(): Promise<void> {
  await Promise.all(chats.map((chat) => chat.close()));
}

/** At the edge of a mesh, or at an address that leads there. */
export function newDevice(from: Mesh, store = memoryStore(), url = from.tls): ChatDevice {
  const { certificateAuthority: ca } = from;
  const TrustingWebSocket = class extends NodeWebSocket {
    constructor(address: string | URL, protocols: string[]) {
      super(address, protocols, { ca });
    }
  };
  const chat = createRealChat({ url, store, webSocket: TrustingWebSocket as never });
  chats.push(chat);
  const device: ChatDevice = { chat, told: [], confirmed: [], refused: [], states: [], resets: 0 };
  chat.on('message', ({ content }) => device.told.push(content.value ?? ''));
  chat.on('confirmed', ({ content }) => device.confirmed.push(content.value ?? ''));
  chat.on('refused', ({ text, refusal }) => device.refused.push(`${text}: ${refusal}`));
  chat.on('status', ({ state }) => device.states.push(state));
  chat.on('reset', () => {
    device.resets++;
  });
  return device;
}
