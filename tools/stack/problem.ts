/** Something that the person at the keyboard can mend: the message says what is wrong, the way out says what to do. */
export class Problem extends Error {
  override name = 'Problem';
  readonly wayOut: string;

  constructor(message: string, wayOut: string, options?: ErrorOptions) {
    super(message, options);
    this.wayOut = wayOut;
  }
}

/** The way out for a machine that cannot have an engine as a process but has Docker. */
export const WITH_DOCKER = 'use Docker: node tools/compose-env.mjs && docker compose up';
