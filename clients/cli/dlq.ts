import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Client } from '@connectrpc/connect';
import type { RealChat } from '@realchat/client';
import type {
  DeadLetter,
  DeadLetterFilterSchema,
  DeadLetterState,
} from '@realchat/gen/realchat/operations/v1/dead_letter';
import {
  DeadLetterService,
  type DeadRecord,
  ReplayOrder,
  type ReplayOutcome,
  ReplayResult,
  type WatchDeadLettersResponse,
} from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import type { CommandLine, DlqOptions } from './command-line.ts';
import { CommandFailure, exitCodes, UsageError } from './exit-codes.ts';
import { keepWatching } from './keep-watching.ts';
import { type Output, printable } from './output.ts';
import { iso, nameIn } from './words.ts';

interface Context {
  readonly line: CommandLine;
  /** What stands behind the word after `dlq`. */
  readonly operands: readonly string[];
  readonly letters: Client<typeof DeadLetterService>;
  readonly output: Output;
  readonly signal: AbortSignal;
}

const COMMANDS: Record<string, (context: Context) => Promise<void>> = { list, show, replay, discard, watch };
const STATES = ['open', 'replaying', 'replayed', 'discarded'] as const;
const DEFAULT_LIST = 50;
/** As many as one page may have. */
const MAX_PAGE = 500;
const MOST_REMEMBERED = 10_000;

/** The commands over dead letters. */
export async function dlq(
  line: CommandLine,
  login: () => Promise<RealChat>,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const [word = '', ...operands] = line.operands;
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (!command) throw new UsageError(`dlq ${Object.keys(COMMANDS).join(', ')}?`);
  check(word, operands, line.dlq);
  const chat = await login();
  await command({ line, operands, letters: chat.service(DeadLetterService), output, signal });
}

/** Says what is wrong before anything is asked of the server. */
function check(word: string, operands: readonly string[], options: DlqOptions): void {
  const takesIds = word === 'show' || word === 'replay' || word === 'discard';
  if (!takesIds && operands.length > 0) throw new UsageError(`dlq ${word} takes no operands`);
  if (word === 'show' && operands.length !== 1) throw new UsageError('dlq show takes one id');
  if (word === 'replay' && operands.length > 0 === options.all) throw new UsageError('dlq replay takes ids, or --all');
  if (word === 'discard' && operands.length === 0) throw new UsageError('dlq discard takes ids');
  if (word === 'discard' && !options.reason) throw new UsageError('dlq discard takes a --reason');
  filterOf(options);
}

async function list({ line, letters, output }: Context): Promise<void> {
  const filter = filterOf(line.dlq);
  let left = line.dlq.limit || DEFAULT_LIST;
  let pageToken = '';
  do {
    const page = await letters.listDeadLetters({ filter, pageSize: Math.min(left, MAX_PAGE), pageToken });
    for (const letter of page.deadLetters) output.data(letterFields(letter), letterLine(letter));
    left -= page.deadLetters.length;
    pageToken = page.nextPageToken;
  } while (pageToken && left > 0);
}

async function show({ operands: [deadLetterId = ''], letters, output }: Context): Promise<void> {
  const { deadLetter, record } = await letters.getDeadLetter({ deadLetterId });
  if (!deadLetter) throw new CommandFailure(exitCodes.refused, 'there is no such dead letter');
  const fields = { ...letterFields(deadLetter), record: record ? recordFields(record) : null };
  output.data(fields, [...wordsOfLetter(deadLetter), ...wordsOfRecord(record)].join('\n'));
}

async function replay({ line, operands, letters, output }: Context): Promise<void> {
  const { all, limit, dryRun, outOfOrder } = line.dlq;
  const selection = all
    ? { case: 'filter' as const, value: filterOf(line.dlq) }
    : { case: 'ids' as const, value: { ids: [...operands] } };
  const answer = await letters.replayDeadLetters({ selection, maxCount: limit, dryRun, outOfOrder });
  for (const outcome of answer.outcomes) output.data(outcomeFields(outcome), outcomeLine(outcome));
  // A script must see that something selected is still where it was. What is not open was not meant to be replayed.
  const failed = answer.outcomes.filter(({ result }) => !DONE.has(result)).length;
  if (failed > 0) throw new CommandFailure(exitCodes.refused, `${failed} could not be replayed`);
  if (answer.hasMore) throw new CommandFailure(exitCodes.refused, 'there are more: replay again');
}

const DONE = new Set<ReplayResult>([ReplayResult.REPLAYED, ReplayResult.WOULD_REPLAY, ReplayResult.NOT_OPEN]);

async function discard({ line, operands, letters, output }: Context): Promise<void> {
  const { deadLetters } = await letters.discardDeadLetters({ ids: [...operands], reason: line.dlq.reason });
  for (const letter of deadLetters) output.data(letterFields(letter), letterLine(letter));
}

async function watch({ line, letters, output, signal }: Context): Promise<void> {
  const filter = filterOf(line.dlq);
  // A stream that has nothing to say does not tell whether there is anybody, nor whether one may watch.
  await letters.listDeadLetters({ filter, pageSize: 1 });
  const open = (cursor: Uint8Array) => letters.watchDeadLetters({ filter, cursor }, { signal });
  // What changed shortly before a watch was opened again is told once more.
  const told = new Map<string, string>();
  const tell = ({ deadLetter }: WatchDeadLettersResponse) => {
    if (!deadLetter) return;
    const fields = letterFields(deadLetter);
    const text = JSON.stringify(fields);
    if (told.get(deadLetter.deadLetterId) === text) return;
    remember(told, deadLetter.deadLetterId, text);
    output.data(fields, letterLine(deadLetter));
  };
  await keepWatching(open, tell, output, signal);
}

/** The newest of a bounded number. */
function remember(told: Map<string, string>, id: string, text: string): void {
  told.delete(id);
  told.set(id, text);
  const [oldest] = told.keys();
  if (told.size > MOST_REMEMBERED && oldest !== undefined) told.delete(oldest);
}

function filterOf(options: DlqOptions): MessageInitShape<typeof DeadLetterFilterSchema> {
  const { topic, errorClass, key } = options;
  const known = STATES.indexOf(options.state as (typeof STATES)[number]);
  if (options.state && known === -1) throw new UsageError(`--state is one of ${STATES.join(', ')}`);
  const since = timeOf('--since', options.since);
  const until = timeOf('--until', options.until);
  // The states of the contract are counted from 1 in this order.
  return {
    topic,
    errorClass,
    key,
    state: (known + 1) as DeadLetterState,
    ...(since && { since }),
    ...(until && { until }),
  };
}

function timeOf(option: string, text: string): Timestamp | undefined {
  if (!text) return undefined;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new UsageError(`${option} is no time`);
  return timestampFromDate(date);
}

function letterFields(letter: DeadLetter): Record<string, unknown> {
  return {
    deadLetterId: letter.deadLetterId,
    topic: letter.topic,
    partition: letter.partition,
    offset: String(letter.offset),
    key: letter.key,
    readers: letter.readers,
    errorClass: letter.errorClass,
    errorMessage: letter.errorMessage,
    attempts: letter.attempts,
    firstAttemptTime: iso(letter.firstAttemptTime),
    lastAttemptTime: iso(letter.lastAttemptTime),
    recordTime: iso(letter.recordTime),
    traceId: letter.traceId,
    schemaVersion: letter.schemaVersion,
    state: stateName(letter.state),
    replays: letter.replays,
    failedOffset: String(letter.failedOffset),
    stateTime: iso(letter.stateTime),
    operatorId: letter.operatorId,
    discardReason: letter.discardReason,
  };
}

function letterLine(letter: DeadLetter): string {
  const { deadLetterId, lastAttemptTime, errorClass, attempts, key } = letter;
  const words = [iso(lastAttemptTime), stateName(letter.state), deadLetterId, errorClass, `×${attempts}`, key];
  return words.map((word) => printable(word ?? '')).join('  ');
}

function wordsOfLetter(letter: DeadLetter): string[] {
  return Object.entries(letterFields(letter)).map(([name, value]) => `${name}: ${printable(String(value))}`);
}

function recordFields(record: DeadRecord): Record<string, unknown> {
  return {
    value: Buffer.from(record.value).toString('base64'),
    valueProblem: record.valueProblem,
    headers: record.headers.map(({ name, value }) => ({ name, value: Buffer.from(value).toString('base64') })),
    decoded: record.decodedJson ? (JSON.parse(record.decodedJson) as unknown) : null,
    decodeProblem: record.decodeProblem,
    schemaVersion: record.schemaVersion,
    fieldsAddedSince: record.fieldsAddedSince,
    unknownFields: record.unknownFields,
  };
}

function wordsOfRecord(record: DeadRecord | undefined): string[] {
  if (!record) return ['record: not kept any more'];
  const { decodedJson, decodeProblem, valueProblem, unknownFields, fieldsAddedSince, schemaVersion, headers } = record;
  return [
    ...headers.map(({ name, value }) => `header ${printable(name)}: ${printable(Buffer.from(value).toString())}`),
    `schema of today: ${schemaVersion}`,
    ...(fieldsAddedSince.length > 0 ? [`fields added since: ${fieldsAddedSince.join(' ')}`] : []),
    ...(unknownFields.length > 0 ? [`fields unknown today: ${unknownFields.join(' ')}`] : []),
    ...(valueProblem ? [`value: ${valueProblem}`] : []),
    decodedJson ? `decoded: ${printable(decodedJson)}` : `not decoded: ${decodeProblem}`,
  ];
}

function outcomeFields({ deadLetterId, result, order, detail, newOffset }: ReplayOutcome): Record<string, unknown> {
  const names = { result: nameIn(ReplayResult, result), order: nameIn(ReplayOrder, order) };
  return { deadLetterId, ...names, detail, newOffset: String(newOffset) };
}

function outcomeLine({ deadLetterId, result, detail }: ReplayOutcome): string {
  return `${deadLetterId}  ${nameIn(ReplayResult, result)}  ${printable(detail)}`;
}

function stateName(state: DeadLetterState): string {
  return STATES[state - 1] ?? 'unknown';
}
