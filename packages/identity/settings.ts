import { inProduction, mustBeSet } from '@realchat/config';
import { z } from 'zod';

const file = (what: string) =>
  inProduction(z.string().min(1).optional(), mustBeSet).describe(
    `${what}, PEM. Read again when it changes. Required in production; unset, with the other two, the process speaks plain text inside the mesh.`,
  );

/** Settings of a process that has an identity in the mesh. */
export const identitySettings = {
  TLS_CERT_FILE: file(
    'The certificate of this process from the authority of the mesh, with `spiffe://<domain>/service/<name>` as its URI',
  ),
  TLS_KEY_FILE: file('The private key of that certificate'),
  TLS_CA_FILE: file('The authority of the mesh, or several while one takes over from another'),
};

/** The files of an identity, or none of them. */
export interface IdentityConfig {
  TLS_CERT_FILE?: string | undefined;
  TLS_KEY_FILE?: string | undefined;
  TLS_CA_FILE?: string | undefined;
}
