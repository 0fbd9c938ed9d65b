import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Identity } from './identity.ts';

/** GETs from the process of that name over mutual TLS. Rejects when it does not answer 200 in time. */
export async function getOverTls(
  url: string,
  { identity, server, timeoutMs }: { identity: Identity; server: string; timeoutMs: number },
): Promise<string> {
  const { cert, key, ca } = identity.files;
  return await new Promise<string>((resolve, reject) => {
    request(
      url,
      {
        agent: false,
        cert,
        key,
        ca,
        servername: server,
        checkServerIdentity: identity.checkServer(server),
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          reject(new Error(`${url} answered ${response.statusCode}`));
        } else {
          text(response).then(resolve, reject);
        }
      },
    )
      .once('error', reject)
      .end();
  });
}
