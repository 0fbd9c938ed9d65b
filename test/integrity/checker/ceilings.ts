/** Ceilings that only a decision on record changes, in milliseconds and as a factor. */
export const CEILINGS = { seenMs: 10_000, fullRateMs: 30_000, repeatedMs: 2_000, residentFactor: 1.5 };
