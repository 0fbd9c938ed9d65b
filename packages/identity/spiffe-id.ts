import type { X509Certificate } from 'node:crypto';

/** Who a certificate is of. */
export interface SpiffeId {
  trustDomain: string;
  /** The name of the process in the mesh, such as `messaging`. */
  name: string;
}

const FORM = /^spiffe:\/\/([a-z0-9._-]+)\/service\/([a-z0-9-]+)$/;

/** Writes an identity as it stands in a certificate. */
export function spiffeId({ trustDomain, name }: SpiffeId): string {
  return `spiffe://${trustDomain}/service/${name}`;
}

/** The identity of a certificate whose signature was checked; undefined unless it has exactly one, in our form. */
export function spiffeIdOf(names: string | undefined): SpiffeId | undefined {
  // Node quotes a name that could pass for several. Our authority writes none like that.
  if (names === undefined || names.includes('"')) return undefined;
  const uris = names.split(', ').filter((name) => name.startsWith('URI:'));
  const match = uris.length === 1 ? FORM.exec(uris[0]?.slice('URI:'.length) ?? '') : null;
  return match?.[1] && match[2] ? { trustDomain: match[1], name: match[2] } : undefined;
}

/** The trust domain that a certificate belongs to. */
export function trustDomainOf(certificate: X509Certificate): string | undefined {
  return spiffeIdOf(certificate.subjectAltName)?.trustDomain;
}
