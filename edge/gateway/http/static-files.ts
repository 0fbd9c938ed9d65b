import { createReadStream } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type HttpRequest, type HttpResponse, setHeaders } from './http-types.ts';

/** The web client's files. */
export interface StaticFiles {
  /** Serves a file; false when there is none of this path. */
  serve(path: string, request: HttpRequest, response: HttpResponse): Promise<boolean>;
}

/** Names of letters, digits and a few marks, none of them beginning with a dot: nothing that leads out of the folder. */
const PATH = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/;

/** A name that changes with its content, as bundlers make it. */
const HASHED = /[.-][A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Serves the files of a folder at `/`; of no folder, none. */
export function createStaticFiles(root: string | undefined, allowedOrigins: Iterable<string>): StaticFiles {
  if (root === undefined) return { serve: () => Promise.resolve(false) };
  const security = securityHeaders(allowedOrigins);
  return {
    async serve(path, request, response) {
      const isReading = request.method === 'GET' || request.method === 'HEAD';
      const file = isReading ? await openFile(root, path === '/' ? '/index.html' : path) : undefined;
      if (file === undefined) return false;
      try {
        await send(file, path, security, request, response);
      } finally {
        await file.handle.close();
      }
      return true;
    },
  };
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly contentType: string;
  readonly size: number;
  readonly etag: string;
}

/** Opens a file below the root, and nothing else: a link that leads out of it is not followed. */
async function openFile(root: string, path: string): Promise<OpenFile | undefined> {
  const contentType = CONTENT_TYPES[extname(path)];
  if (contentType === undefined || !PATH.test(path)) return undefined;
  try {
    const name = await realpath(join(root, path));
    if (!name.startsWith((await realpath(root)) + sep)) return undefined;
    const handle = await open(name);
    const stats = await handle.stat();
    if (stats.isFile()) {
      const etag = `"${stats.size.toString(36)}-${Math.floor(stats.mtimeMs).toString(36)}"`;
      return { handle, contentType, size: stats.size, etag };
    }
    await handle.close();
  } catch {
    // Not there, or not ours to read.
  }
  return undefined;
}

async function send(
  { handle, contentType, size, etag }: OpenFile,
  path: string,
  security: Readonly<Record<string, string>>,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const cacheControl = HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
  setHeaders(response, { ...security, 'cache-control': cacheControl, etag });
  if (request.headers['if-none-match'] === etag) {
    response.statusCode = 304;
    response.end();
    return;
  }
  setHeaders(response, { 'content-type': contentType, 'content-length': size });
  if (request.method === 'HEAD' || size === 0) response.end();
  else
    await pipeline(
      createReadStream('', { fd: handle, autoClose: false, end: size - 1 }),
      response as NodeJS.WritableStream,
    );
}

/** What the page may do: run its own scripts, speak to us, and nothing else. */
function securityHeaders(allowedOrigins: Iterable<string>): Record<string, string> {
  // A policy cannot name an IPv6 address; a page at one has itself.
  const origins = [...allowedOrigins].filter((origin) => !origin.includes('['));
  // Not every browser takes a page's own origin to include its WebSockets.
  const sockets = origins.map((origin) => origin.replace(/^http/, 'ws'));
  const policy = {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'manifest-src': ["'self'"],
    'connect-src': ["'self'", ...origins, ...sockets],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  };
  return {
    'content-security-policy': Object.entries(policy)
      .map(([name, sources]) => `${name} ${sources.join(' ')}`)
      .join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}
