import { connect } from 'node:net';
import type { Stack } from '@realchat/stack';

/** Says commands to the mesh's Redis, one after the other; answers what it said, without its frame. */
export async function askValkey({ ports, secrets }: Stack, commands: readonly string[]): Promise<string[]> {
  const socket = connect({ host: '127.0.0.1', port: ports.valkey });
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  const ended = new Promise<void>((resolve, reject) => socket.on('close', () => resolve()).on('error', reject));
  socket.write([`AUTH ${secrets.valkey}`, ...commands, 'QUIT', ''].join('\r\n'));
  await ended;
  const [, ...answers] = text.split('\r\n');
  return answers.slice(0, commands.length).map((answer) => answer.slice(1));
}
