import type { SecureContextOptions } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { Identity } from '@realchat/identity';

const { createCertificateProviderChannelCredentials } = grpc.experimental;

/** How a server proves who it is and asks callers to do the same; plain text without an identity. */
export function serverCredentials(identity: Identity | undefined): grpc.ServerCredentials {
  return identity ? new MeshServerCredentials(identity) : grpc.ServerCredentials.createInsecure();
}

/** How a client proves who it is, and that it speaks to the process of that name; plain text without an identity. */
export function channelCredentials(identity: Identity | undefined, server: string): grpc.ChannelCredentials {
  if (!identity) return grpc.credentials.createInsecure();
  const provider = certificateProvider(identity);
  return createCertificateProviderChannelCredentials(provider, provider, {
    checkServerIdentity: identity.checkServer(server),
  });
}

/** The name by which the server is asked for; its address is not looked at. */
export function channelOptions(identity: Identity | undefined, server: string): grpc.ChannelOptions {
  return identity ? { 'grpc.ssl_target_name_override': server } : {};
}

/** Certificates are demanded, and follow the identity's files without a restart. */
class MeshServerCredentials extends grpc.ServerCredentials {
  constructor(identity: Identity) {
    super({ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' }, contextOf(identity));
    identity.onChange(() => this.updateSecureContextOptions(contextOf(identity)));
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return other === this;
  }
}

function contextOf({ files }: Identity): SecureContextOptions {
  return { cert: files.cert, key: files.key, ca: files.ca };
}

/** New connections are made with the newest files. */
function certificateProvider(identity: Identity): grpc.experimental.CertificateProvider {
  type Ca = Parameters<grpc.experimental.CertificateProvider['addCaCertificateListener']>[0];
  type Own = Parameters<grpc.experimental.CertificateProvider['addIdentityCertificateListener']>[0];
  const authorities = new Set<Ca>();
  const owns = new Set<Own>();
  const tellAuthority = (listener: Ca) => listener({ caCertificate: Buffer.from(identity.files.ca) });
  const tellOwn = (listener: Own) => {
    const { cert, key } = identity.files;
    listener({ certificate: Buffer.from(cert), privateKey: Buffer.from(key) });
  };
  identity.onChange(() => {
    for (const listener of authorities) tellAuthority(listener);
    for (const listener of owns) tellOwn(listener);
  });
  return {
    addCaCertificateListener(listener) {
      authorities.add(listener);
      tellAuthority(listener);
    },
    removeCaCertificateListener: (listener) => authorities.delete(listener),
    addIdentityCertificateListener(listener) {
      owns.add(listener);
      tellOwn(listener);
    },
    removeIdentityCertificateListener: (listener) => owns.delete(listener),
  };
}
