/** Faults of the matrix that no run has, and why. */
export const notRun: readonly { id: string; title: string; reason: string }[] = [
  {
    id: 'F-07',
    title: 'one broker of three is killed',
    reason:
      'the launcher runs one broker: it would need a list of brokers with a quorum of controllers, ports and a listener per client for each, topics with three replicas, and about 1.2 GB more memory',
  },
  {
    id: 'F-09',
    title: 'Postgres fails over to a synchronous standby',
    reason:
      'the launcher runs one Postgres: it would need pg_basebackup, a replication slot and synchronous_standby_names, a promotion, and one address for the services that follows the primary',
  },
  {
    id: 'F-23',
    title: 'the clock of one service jumps',
    reason:
      'needs libfaketime, which no package of the npm registry brings; a patched Date would leave timers and the other clocks of a process as they are',
  },
  {
    id: 'F-24',
    title: 'the disk is full',
    reason:
      'needs a small file system of its own for the data of each engine, which takes root or user namespaces; a limit on the size of files (RLIMIT_FSIZE) ends Postgres and Java by a signal or another error than ENOSPC',
  },
  {
    id: 'F-29',
    title: 'an hour of random faults',
    reason: 'is a series by hand: npm run integrity -- --faults all --minutes 60',
  },
];
