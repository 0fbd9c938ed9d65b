import type { Logger } from '@realchat/telemetry';
import { expect, test, vi } from 'vitest';
import { createPool } from './connection.ts';

test('the loss of an idle connection is logged without the connection and its secrets', async () => {
  const warn = vi.fn();
  const pool = createPool({
    url: 'postgres://u:p@127.0.0.1:1/d',
    size: 1,
    name: 'test',
    log: { warn } as unknown as Logger,
  });
  pool.emit('error', Object.assign(new Error('lost'), { client: { secretKey: 1 } }), {} as never);
  expect(warn).toHaveBeenCalledOnce();
  expect(warn.mock.calls[0]?.[0]).toEqual({ err: expect.objectContaining({ message: 'lost' }) });
  expect(warn.mock.calls[0]?.[0].err).not.toHaveProperty('client');
  await pool.end();
});
