/**
 * The broker did not take a send, or did not say so in time: the records may or may not be in the log.
 * Nothing is wrong with them. Wait, and send again from the first of them.
 */
export class EventLogUnavailableError extends Error {
  override name = 'EventLogUnavailableError';
}

/** The broker takes these records at no time: they are too large, or it holds them invalid. Sending again does not help. */
export class RecordRefusedError extends Error {
  override name = 'RecordRefusedError';
  readonly reason: 'too-large' | 'invalid';
  /** Which partition holds the refused record, where it is known. */
  readonly partition: number | undefined;

  constructor(reason: 'too-large' | 'invalid', message: string, options: { partition?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.partition = options.partition;
  }
}

/**
 * A record that no retry can help: undecodable, of an unknown schema, against a rule.
 * `reason` is a constant in UPPER_SNAKE_CASE. Neither it nor the message may carry any of the record's content:
 * both go to logs and to the dead letter.
 */
export class PoisonError extends Error {
  override name = 'PoisonError';
  readonly reason: string;

  constructor(reason: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** Something that a handler needs is away. The record waits for it, however long that takes, and is never dead-lettered. */
export class DependencyError extends Error {
  override name = 'DependencyError';
  readonly dependency: string;

  constructor(dependency: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.dependency = dependency;
  }
}

/** What is to become of a record whose handler failed. */
export type Verdict = 'poison' | 'dependency' | 'unknown';

/** Sorts errors that are no PoisonError and no DependencyError of ours, such as those of a database client. */
export type Classify = (error: unknown) => Verdict;

/** The sorting that always applies; `more` may know further classes of errors. */
export function classify(error: unknown, more?: Classify): Verdict {
  if (error instanceof PoisonError) return 'poison';
  if (error instanceof DependencyError || error instanceof EventLogUnavailableError) return 'dependency';
  return more?.(error) ?? 'unknown';
}
