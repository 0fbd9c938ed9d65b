/** Faults of the matrix that no run has, and why. */
export const notRun: readonly { id: string; title: string; reason: string }[] = [
  {
    id: 'F-29',
    title: 'an hour of random faults',
    reason: 'is a series by hand: npm run integrity -- --faults random --minutes 60 --warm-up 60',
  },
];
