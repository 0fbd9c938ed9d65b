import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isNpm } from './npm-owner.ts';
import { onStopSignals } from './stop-signals.ts';

describe('signals to stop', () => {
  const before = process.listeners('SIGINT').length;
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      for (const listener of process.listeners(signal as NodeJS.Signals).slice(before)) process.off(signal, listener);
    }
  });

  it('count once when one Ctrl-C arrives by way of the terminal, npm and the bootstrap', () => {
    const [first, second] = [vi.fn(), vi.fn()];
    const signal = onStopSignals(first, second);
    signal('SIGINT');
    vi.advanceTimersByTime(50);
    signal('SIGINT');
    signal('SIGINT');
    expect(first).toHaveBeenCalledExactlyOnceWith('SIGINT');
    expect(second).not.toHaveBeenCalled();
  });

  it('kill at once when pressed again', () => {
    const [first, second] = [vi.fn(), vi.fn()];
    const signal = onStopSignals(first, second);
    signal('SIGINT');
    vi.advanceTimersByTime(900);
    signal('SIGINT');
    expect(second).toHaveBeenCalledOnce();
  });
});

describe('npm among the ancestors', () => {
  it.each([
    ['npm start', true],
    ['npm', true],
    ['node /usr/lib/node_modules/npm/bin/npm-cli.js start', true],
    ['node /usr/bin/npm start', true],
    ['sh -c exec node tools/bootstrap.mjs start', false],
    ['node tools/bootstrap.mjs start', false],
    ['npmx start', false],
  ])('%s: %s', (commandLine, expected) => {
    expect(isNpm(commandLine)).toBe(expected);
  });
});
