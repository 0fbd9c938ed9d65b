// Every process of the mesh has a certificate of the mesh's own authority, which says which one it is. Both sides of every
// connection show theirs.
export { admitOnly } from './admit.ts';
export { getOverTls } from './get.ts';
export { type Identity, openIdentity } from './identity.ts';
export { checkIdentity } from './problems.ts';
export { identitySettings } from './settings.ts';
export { spiffeId, spiffeIdOf, trustDomainOf } from './spiffe-id.ts';
