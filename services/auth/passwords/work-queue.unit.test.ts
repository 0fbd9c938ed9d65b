import { expect, test } from 'vitest';
import { createWorkQueue, QueueFullError } from './work-queue.ts';

/** Work that ends when told to. */
function pending(): { work: () => Promise<string>; begun: () => boolean; finish: () => void; fail: () => void } {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let begun = false;
  const work = () => {
    begun = true;
    return promise;
  };
  return { work, begun: () => begun, finish: () => resolve('done'), fail: () => reject(new Error('failed')) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('as many run as may, the rest wait in order, and beyond that they are refused at once', async () => {
  const queue = createWorkQueue({ concurrency: 2, maxWaiting: 2 });
  const all = [pending(), pending(), pending(), pending()];
  const results = all.map(({ work }) => queue.run(work));
  await settle();
  expect(all.map(({ begun }) => begun())).toEqual([true, true, false, false]);
  expect(queue.waiting).toBe(2);

  const refused = await queue.run(() => Promise.resolve()).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(QueueFullError);
  expect((refused as QueueFullError).retryAfterMs).toBeGreaterThan(0);

  all[1]?.finish();
  await settle();
  expect(all.map(({ begun }) => begun())).toEqual([true, true, true, false]);
  for (const { finish } of all) finish();
  expect(await Promise.all(results)).toEqual(['done', 'done', 'done', 'done']);
  expect([queue.waiting, queue.running]).toEqual([0, 0]);
});

test('work that fails gives its place to the next', async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 1 });
  const [failing, next] = [pending(), pending()];
  const failed = queue.run(failing.work);
  const done = queue.run(next.work);
  failing.fail();
  await expect(failed).rejects.toThrow('failed');
  next.finish();
  expect(await done).toBe('done');
});

test('who gives up while waiting leaves the queue, and the work is not begun', async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 1 });
  const [running, abandoned] = [pending(), pending()];
  const controller = new AbortController();
  const first = queue.run(running.work);
  const second = queue.run(abandoned.work, controller.signal);
  controller.abort(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  expect(queue.waiting).toBe(0);
  running.finish();
  await first;
  await settle();
  expect(abandoned.begun()).toBe(false);
  await expect(queue.run(abandoned.work, controller.signal)).rejects.toThrow('gone');
});

test('who gives up while running keeps the place until the work ends', async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 1 });
  const controller = new AbortController();
  const work = pending();
  const result = queue.run(work.work, controller.signal);
  await settle();
  controller.abort();
  expect(queue.running).toBe(1);
  work.finish();
  expect(await result).toBe('done');
});
