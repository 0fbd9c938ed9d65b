import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { Gauge, type Telemetry } from '@realchat/telemetry';
import { type IdentityFiles, identityProblems, readIdentity } from './problems.ts';
import type { IdentityConfig } from './settings.ts';
import { spiffeIdOf, trustDomainOf } from './spiffe-id.ts';

/** Who this process is in the mesh, with what proves it. */
export interface Identity {
  /** The name on our own certificate. */
  readonly name: string;
  /** Our certificate, key and authority, PEM: the newest that are good. */
  readonly files: IdentityFiles;
  /** Called with the new files whenever they change. */
  onChange(listener: (files: IdentityFiles) => void): void;
  /** The name of a peer by the names of its certificate, which TLS has verified; undefined when it is none of the mesh. */
  nameOfPeer(subjectAltName: string | undefined): string | undefined;
  /** For Node's TLS as a client: an error unless the server is the process of that name. Its host name does not matter. */
  checkServer(name: string): (host: string, certificate: PeerCertificate) => Error | undefined;
  stop(): void;
}

const LOOK_EVERY_MS = 10_000;

/**
 * The identity of the process of this name from the files of its settings, which are read again when they change: what is not
 * good is told in the log, and the one before is kept. Undefined when the settings name no files. Throws when they are not good.
 */
export function openIdentity(
  config: IdentityConfig,
  name: string,
  { log, metrics }: Telemetry,
  lookEveryMs = LOOK_EVERY_MS,
): Identity | undefined {
  if (!config.TLS_CERT_FILE) return undefined;
  const first = readIdentity(config);
  const problems = Array.isArray(first) ? first : identityProblems(first, name);
  if (Array.isArray(first) || problems.length > 0) throw new Error(problems.join('\n'));

  let files = first;
  let certificate = new X509Certificate(files.cert);
  let refused = '';
  const trustDomain = trustDomainOf(certificate);
  const listeners = new Set<(files: IdentityFiles) => void>();

  const look = () => {
    const next = readIdentity(config);
    const wrong = Array.isArray(next) ? next : identityProblems(next, name);
    if (Array.isArray(next) || wrong.length > 0) {
      if (refused !== wrong.join())
        log.warn({ problems: wrong }, 'the new certificate is not good; keeping the old one');
      refused = wrong.join();
      return;
    }
    refused = '';
    if (next.cert === files.cert && next.key === files.key && next.ca === files.ca) return;
    files = next;
    certificate = new X509Certificate(files.cert);
    for (const listener of listeners) listener(files);
    log.info({ valid_to: certificate.validToDate }, 'the certificate was renewed');
  };
  const timer = setInterval(look, lookEveryMs).unref();
  new Gauge({
    name: 'realchat_certificate_expiry_timestamp_seconds',
    help: 'When the certificate of this process in the mesh ends, in seconds since the epoch.',
    registers: [metrics],
    collect() {
      this.set(certificate.validToDate.getTime() / 1000);
    },
  });

  const nameOfPeer = (subjectAltName: string | undefined) => {
    const id = spiffeIdOf(subjectAltName);
    return id?.trustDomain === trustDomain ? id?.name : undefined;
  };
  return {
    name,
    get files() {
      return files;
    },
    onChange: (listener) => listeners.add(listener),
    nameOfPeer,
    checkServer: (expected) => (_host, peer) => {
      const said = nameOfPeer(peer.subjectaltname);
      return said === expected
        ? undefined
        : new Error(`the server is ${said ?? 'no service of the mesh'}, not ${expected}`);
    },
    stop: () => clearInterval(timer),
  };
}
