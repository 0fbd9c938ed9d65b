// A session that ends takes its access tokens with it, although these would verify for minutes more. Auth stores the ids of
// sessions that ended in Redis and publishes them; every process that verifies tokens keeps the ids of the last minutes in
// memory, so that a check asks nobody. With Redis away everything goes on, and a token dies by its own end.
export { HELD_MS } from './held.ts';
export { createRevocations, type Revocations } from './revocations.ts';
export { createRevoker, type Revoker } from './revoker.ts';
