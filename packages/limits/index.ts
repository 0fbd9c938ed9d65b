// Limits are exact while Redis answers. While it does not, each process goes by what it saw itself: nobody waits, and nothing is without bound.
export { addressKey } from './address-key.ts';
export { type CallLimits, type CallSource, createCallLimits } from './call-limits.ts';
export { createRateLimiter, type Decision, type RateLimiter } from './limiter.ts';
export { type Charge, Pace } from './pace.ts';
export { rateLimited } from './refusal.ts';
export { rateLimitSettings, tellOtherLimits } from './settings.ts';
export { LIMITS, type Limit, type LimitName, type LimitTable } from './table.ts';
