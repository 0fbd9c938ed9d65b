import { clientKinds } from '../clients/kinds.ts';
import { OpenLoop } from './open-loop.ts';
import type { FromGenerator, ToGenerator } from './step.ts';

// The load generator's process: makes one run after the other, as its parent asks.

const tell = (message: FromGenerator) => process.send?.(message);

process.on('message', ({ step }: ToGenerator) => {
  const phases = { measuring: () => tell({ kind: 'measuring' }), measured: () => tell({ kind: 'measured' }) };
  new OpenLoop(step, clientKinds[step.client]).run(phases).then(
    (outcome) => tell({ kind: 'outcome', outcome }),
    (error: Error) => tell({ kind: 'failed', message: error.stack ?? error.message }),
  );
});
process.on('disconnect', () => process.exit());
