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
  whoami                                   prints your user id
  tail [conversation]                      prints messages as they come, from where the last tail ended; Ctrl-C ends it

  dlq list                                 for operators: what could not be handled, newest first
  dlq show <id>                            one of these, with its record as today's schema has it
  dlq replay <id…> | --all                 appends it to its topic again; --all takes what the filter selects
  dlq discard <id…> --reason <text>        gives it up
  dlq watch                                prints each that comes or changes; Ctrl-C ends it
  explain <message id> <user id or username>
                                           for operators: what became of a message on its way to a user
  activity [--day YYYY-MM-DD]              for operators: messages and members of each conversation on a day, today unless told
  ops list | grant <user id> | revoke <user id>
                                           who is an operator; where DATABASE_URL is the database of operations

  --url <url>          where the edge is (REALCHAT_URL, or http://localhost:8080)
  --json               one JSON object per line on stdout
  --timeout <seconds>  how long to try (20)
  --topic --class --key --state --since --until
                       of dlq: which ones; state is open, replaying, replayed or discarded, times are as Date reads them
  --limit <count>      of dlq list, dlq replay and activity: how many at most (50, 100, 50)
  --dry-run            of dlq replay: says what would be done
  --out-of-order       of dlq replay: even before an earlier one of the same key
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
  /** Of activity; empty: today. */
  readonly day: string;
  readonly dlq: DlqOptions;
}

/** Of the commands over dead letters. */
export interface DlqOptions {
  readonly topic: string;
  readonly errorClass: string;
  readonly key: string;
  readonly state: string;
  readonly since: string;
  readonly until: string;
  readonly limit: number;
  readonly all: boolean;
  readonly dryRun: boolean;
  readonly outOfOrder: boolean;
  readonly reason: string;
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
      topic: { type: 'string', default: '' },
      class: { type: 'string', default: '' },
      key: { type: 'string', default: '' },
      state: { type: 'string', default: '' },
      since: { type: 'string', default: '' },
      until: { type: 'string', default: '' },
      limit: { type: 'string', default: '0' },
      all: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      'out-of-order': { type: 'boolean', default: false },
      reason: { type: 'string', default: '' },
      day: { type: 'string', default: '' },
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
  const { json, title, direct, id, help, day } = values;
  const limit = Number(values.limit);
  if (!Number.isInteger(limit) || limit < 0 || limit > 500) throw new UsageError('--limit is a number, at most 500');
  const { topic, class: errorClass, key, state, since, until, all, reason } = values;
  const flags = { all, dryRun: values['dry-run'], outOfOrder: values['out-of-order'] };
  const dlq = { topic, errorClass, key, state, since, until, limit, reason, ...flags };
  return { command, operands, url, folder, json, timeoutMs: seconds * 1_000, title, direct, id, help, day, dlq };
}
