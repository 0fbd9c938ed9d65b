import type { Server, TLSSocket } from 'node:tls';
import type { Identity } from './identity.ts';

/**
 * Keeps a TLS server, of HTTP for example, for peers of these names: a connection of any other ends before its first
 * byte is read. The server must ask for certificates and refuse those that are not of the mesh's authority. Follows
 * the files of the identity.
 */
export function admitOnly(
  server: Pick<Server, 'prependListener' | 'setSecureContext'>,
  identity: Identity,
  names: readonly string[],
  refused: (name: string | undefined) => void,
): void {
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const name = identity.nameOfPeer(socket.getPeerX509Certificate()?.subjectAltName);
    if (name !== undefined && names.includes(name)) return;
    refused(name);
    socket.destroy();
  });
  identity.onChange((files) => server.setSecureContext(files));
}
