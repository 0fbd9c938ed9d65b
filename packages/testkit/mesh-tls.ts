import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Identity, openIdentity } from '@realchat/identity';
import { ensureMeshTls, meshTlsFiles, meshTlsFolders } from '../../tools/stack/mesh-tls.ts';
import { silentTelemetry } from './telemetry.ts';

/** An authority of a test's own, and certificates of it. */
export interface TestMesh {
  /** The settings of the process of that name. */
  settings(name: string): { TLS_CERT_FILE: string; TLS_KEY_FILE: string; TLS_CA_FILE: string };
  /** The identity of the process of that name. */
  identity(name: string): Identity;
  /** Makes all certificates anew, in place. */
  renew(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes an authority and a certificate for each name. About 10 ms each. */
export async function startTestMesh(names: readonly string[]): Promise<TestMesh> {
  const folder = await mkdtemp(join(tmpdir(), 'realchat-test-mesh-'));
  const folders = meshTlsFolders(folder, names);
  await ensureMeshTls(folders);
  const identities: Identity[] = [];
  const settings = (name: string) => {
    const { certificate, key, authority } = meshTlsFiles(join(folder, name));
    return { TLS_CERT_FILE: certificate, TLS_KEY_FILE: key, TLS_CA_FILE: authority };
  };
  return {
    settings,
    identity(name) {
      const identity = openIdentity(settings(name), name, silentTelemetry(), 50);
      if (!identity) throw new Error('the settings name files');
      identities.push(identity);
      return identity;
    },
    async renew() {
      for (const name of names) await rm(join(folder, name), { recursive: true });
      await ensureMeshTls(folders);
    },
    async stop() {
      for (const identity of identities) identity.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
