/** Faults of the matrix that no run has, and why. */
export const notRun: readonly { id: string; title: string; reason: string }[] = [
  {
    id: 'F-09',
    title: 'Postgres fails over to a synchronous standby',
    reason:
      'the launcher runs one Postgres: it would need pg_basebackup, a replication slot and synchronous_standby_names, a promotion, and one address for the services that follows the primary',
  },
  {
    id: 'F-29',
    title: 'an hour of random faults',
    reason: 'is a series by hand: npm run integrity -- --faults all --minutes 60',
  },
];
