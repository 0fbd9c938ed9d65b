/** Ceilings that only a decision on record changes, in milliseconds, as factors, and in file descriptors. */
export const CEILINGS = {
  seenMs: 10_000,
  fullRateMs: 30_000,
  resumedMs: 5_000,
  repeatedMs: 2_000,
  residentFactor: 1.5,
  handlesFactor: 1.5,
  handlesBesides: 16,
};
