/** Milliseconds on the machine's monotonic clock, which all threads of all processes share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
