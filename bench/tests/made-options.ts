import type { BenchOptions } from '../options.ts';

export const defaultsForTests: BenchOptions = {
  scenarios: [1, 2],
  rates: [500],
  rounds: 3,
  targets: ['websocket', 'grpc', 'socketio', 'commit'],
  pairs: 25,
  warmUpSeconds: 8,
  measuredSeconds: 10,
  searchSeconds: 6,
  seed: 1,
};
