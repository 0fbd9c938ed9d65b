import { connect } from 'node:net';

/** Resolves when something of this machine listens on the port, and rejects when nothing does. */
export function reaches(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
