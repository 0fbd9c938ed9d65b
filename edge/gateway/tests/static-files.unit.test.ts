import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStaticFiles } from '../http/static-files.ts';

let folder: string;
let server: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'static-files-'));
  const root = join(folder, 'root');
  await mkdir(join(root, 'assets'), { recursive: true });
  await writeFile(join(root, 'index.html'), '<!doctype html>');
  await writeFile(join(root, 'assets', 'main-ABCDEFGH.js'), 'main()');
  await writeFile(join(root, '.env'), 'SECRET=1');
  await writeFile(join(root, 'notes.exe'), 'x');
  await writeFile(join(root, 'empty.css'), '');
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await symlink(join(folder, 'secret.txt'), join(root, 'linked.txt'));
  const files = createStaticFiles(root, ['https://chat.example.com']);
  server = createServer((incoming, response) => {
    const serve = files.serve((incoming.url ?? '').split('?', 1)[0] ?? '', incoming, response);
    void serve.then((served) => {
      if (!served) response.writeHead(404).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** With `request`, since `fetch` would tidy the path up first. */
function get(path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

test('the page is served at /, never from a stale cache, and may do little', async () => {
  const { status, headers, body } = await get('/');
  expect([status, body, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    '<!doctype html>',
    'text/html; charset=utf-8',
    'no-cache',
  ]);
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("connect-src 'self' https://chat.example.com wss://chat.example.com");
  expect(policy).not.toMatch(/unsafe|\*/);
  expect([headers['x-content-type-options'], headers['referrer-policy'], headers['x-frame-options']]).toEqual([
    'nosniff',
    'no-referrer',
    'DENY',
  ]);
});

test('a file whose name changes with its content is kept for good', async () => {
  const { headers, body } = await get('/assets/main-ABCDEFGH.js');
  expect([body, headers['content-type'], headers['cache-control']]).toEqual([
    'main()',
    'text/javascript; charset=utf-8',
    'public, max-age=31536000, immutable',
  ]);
});

test('a file that the browser has is not sent again, nor the body of a HEAD', async () => {
  const { etag } = (await get('/')).headers;
  expect(await get('/', 'GET', { 'if-none-match': String(etag) })).toMatchObject({ status: 304, body: '' });
  expect(await get('/', 'HEAD')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '15' } });
  expect(await get('/empty.css')).toMatchObject({ status: 200, body: '' });
});

test.each([
  '/../secret.txt',
  '/assets/../../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/assets/%2e%2e/%2e%2e/secret.txt',
  '/..\\secret.txt',
  '//secret.txt',
  '/linked.txt',
  '/.env',
  '/notes.exe',
  '/assets',
  '/assets/',
  '/index.html/',
  '/index.html%00.js',
  '/missing.js',
])('nothing is served at %s', async (path) => {
  expect(await get(path)).toMatchObject({ status: 404, body: '' });
});

test('files are only read', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await get('/', method)).status).toBe(404);
});
