import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from './exit-codes.ts';

export const USAGE = `realchat <command> [options]

  register <username>                      makes an account and logs in
  login <username>                         logs in
  logout                                   ends the session
  create --title <title> [username…]       makes a group; prints its id
  create --direct <username>               opens the conversation with a user; prints its id
  conversations                            lists the conversations
  send <conversation> <text>               sends a text; returns once it is durable
  tail [conversation]                      prints messages as they come, from where the last tail ended; Ctrl-C ends it

  --url <url>          where the edge is (REALCHAT_URL, or http://localhost:8080)
  --json               one JSON object per line on stdout
  --timeout <seconds>  how long to try (20)
  --id <key>           of send: the key of an attempt whose end is not known, so that it is not sent twice

The password is read from REALCHAT_PASSWORD, or from the first line of stdin. The session is kept in
\${XDG_CONFIG_HOME:-~/.config}/realchat/, readable by you alone.

Exit codes: 0 done; 1 refused; 2 usage; 3 the server cannot be reached; 4 not logged in.
`;

export interface CommandLine {
  readonly command: string;
  readonly operands: readonly string[];
  readonly url: string;
  readonly folder: string;
  readonly json: boolean;
  readonly timeoutMs: number;
  readonly title: string | undefined;
  readonly direct: string | undefined;
  readonly id: string | undefined;
  readonly help: boolean;
}

/** @throws UsageError, or what `parseArgs` throws. */
export function parseCommandLine(args: readonly string[], env: NodeJS.ProcessEnv): CommandLine {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      json: { type: 'boolean', default: false },
      timeout: { type: 'string', default: '20' },
      title: { type: 'string' },
      direct: { type: 'string' },
      id: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command = '', ...operands] = positionals;
  const url = values.url ?? (env['REALCHAT_URL'] || 'http://localhost:8080');
  if (!URL.canParse(url)) throw new UsageError(`${JSON.stringify(url)} is no URL`);
  const seconds = Number(values.timeout);
  if (!(seconds > 0 && seconds <= 3_600)) throw new UsageError('--timeout is a number of seconds, at most 3600');
  // A session is one edge's: another edge gets a folder of its own.
  const folder = join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'realchat', new URL(url).host);
  const { json, title, direct, id, help } = values;
  return { command, operands, url, folder, json, timeoutMs: seconds * 1_000, title, direct, id, help };
}
