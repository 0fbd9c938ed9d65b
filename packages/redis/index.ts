// Redis holds what lives for minutes and what the product can do without: a call is never made to wait for a Redis that is away.
export type { Redis } from 'ioredis';
export { connectInBackground, openConnection } from './connection.ts';
export { useOrRenew } from './renew.ts';
export { redisSettings } from './settings.ts';
export { createSubscriber, type Subscriber } from './subscriber.ts';
