import { describe, expect, test } from 'vitest';
import { readOptions } from './options.ts';

describe('the command line', () => {
  test('without options measures both scenarios at all rates in three rounds, and keeps the result', () => {
    const { options, store } = readOptions([]);
    expect(options).toMatchObject({ scenarios: [1, 2], rates: [200, 500, 2000, 5000], rounds: 3, warmUpSeconds: 8 });
    expect(options.targets).toEqual(['websocket', 'grpc', 'socketio', 'commit']);
    expect(store).toBe(true);
  });

  test('takes what is asked for', () => {
    const { options } = readOptions(['--rates', '100,300', '--scenario', '1', '--transport', 'grpc', '--rounds', '5']);
    expect(options).toMatchObject({ rates: [100, 300], scenarios: [1], targets: ['grpc'], rounds: 5 });
  });

  test('keeps no result of a run that leaves something out, unless asked to; never of one that is profiled', () => {
    expect(readOptions(['--quick']).store).toBe(false);
    expect(readOptions(['--rates', '500']).store).toBe(false);
    expect(readOptions(['--resume', '--seed', '7']).store).toBe(true);
    expect(readOptions(['--rates', '500', '--store']).store).toBe(true);
    expect(readOptions(['--profile', 'x', '--store']).store).toBe(false);
  });

  test.each([
    [['--rates', 'many'], /--rates many/],
    [['--rounds', '0'], /--rounds 0/],
    [['--scenario', '3'], /--scenario is/],
    [['--transport', 'pigeon'], /--transport is some of/],
    [['--fast'], /Unknown option/],
  ])('refuses %j', (args, why) => {
    expect(() => readOptions(args)).toThrow(why);
  });
});
