/** Faults of the matrix that no run has, and why. */
export const notRun: readonly { id: string; title: string; reason: string }[] = [
  {
    id: 'F-29',
    title: 'an hour of random faults',
    reason: 'is by hand: npm run integrity -- --faults random --minutes 60 --warm-up 60',
  },
  {
    id: 'F-04-versions',
    title: 'a new version beside the old one, on the schema of the next',
    reason: 'there has been no version before this one; released contracts are compared by buf breaking',
  },
  {
    id: 'F-12-five',
    title: 'five relays, one of them frozen past its lease',
    reason: 'five of every service are more than two cores bear; --instances 5 has them on a larger machine',
  },
  {
    id: 'F-17-trickle',
    title: 'a socket that reads 1 KB a second',
    reason: 'what reads slower than its queue fills is ended as one that does not read (F-17)',
  },
  {
    id: 'F-25-memory',
    title: 'a process that its machine ends for want of memory',
    reason: 'a limit that the kernel enforces needs root here; to its clients it is kill -9 (F-01)',
  },
];
