import { z } from 'zod';

/** A network address. Port 0 lets the system pick one (tests). */
export interface HostPort {
  host: string;
  port: number;
}

/** `host:port`, IPv6 in brackets. */
export const hostPort = z.string().transform((text, context): HostPort => {
  const match = /^(\[[0-9a-f:.]+\]|[^:\s]+):(\d{1,5})$/i.exec(text.trim());
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65535) {
    context.addIssue({ code: 'custom', message: `expected host:port, got ${JSON.stringify(text)}` });
    return z.NEVER;
  }
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
});

/** Comma separated values; blanks are dropped. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** Comma separated `host:port` addresses, at least one. */
export const hostPorts = list.pipe(z.array(hostPort).min(1));

/** A whole number of milliseconds, 0 or more. */
export const milliseconds = z.coerce.number().int().min(0);

/** A whole number of seconds, 0 or more. */
export const seconds = z.coerce.number().int().min(0);
