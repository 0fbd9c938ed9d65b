import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { elapsed, streamProgress } from './progress.ts';

/** A stream for progress, and what was written to it without colours. */
function recorder(tty: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY: tty, columns: 40 }) as unknown as NodeJS.WriteStream;
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const escapeCode = String.fromCharCode(27);
  return { stream, text: () => text.replaceAll(new RegExp(`${escapeCode}\\[\\d+m`, 'g'), '') };
}

describe('a duration', () => {
  it('is told as people tell it', () => {
    expect([40, 9_940, 12_400, 59_600, 125_000].map(elapsed)).toEqual([
      '0.0 s',
      '9.9 s',
      '12 s',
      '1 min 0 s',
      '2 min 5 s',
    ]);
  });
});

describe('progress', () => {
  it('says in a log when a step begins and when it ends', async () => {
    const { stream, text } = recorder(false);
    expect(await streamProgress(stream).step('fetching', async () => 7)).toBe(7);
    expect(text()).toMatch(/^ {2}… fetching\n {2}✓ fetching \(\d\.\d s\)\n$/);
  });

  it('marks a step that failed and passes the failure on', async () => {
    const { stream, text } = recorder(false);
    const failing = streamProgress(stream).step('fetching', () => Promise.reject(new Error('no network')));
    await expect(failing).rejects.toThrow('no network');
    expect(text()).toContain('✗ fetching');
  });

  it('follows what runs on one line of a terminal that is never wider than the terminal', async () => {
    const { stream, text } = recorder(true);
    const progress = streamProgress(stream);
    let release = () => undefined as void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = progress.step('a step with a name that is rather long', () => held);
    await progress.step('quick', async () => undefined);
    release();
    await slow;
    for (const drawn of text().split('\r'))
      expect(drawn.replace(`${String.fromCharCode(27)}[K`, '').length).toBeLessThan(60);
    expect(text()).toContain('✓ quick');
  });
});
