/** The size of every message's text, in bytes. */
const TEXT_BYTES = 200;

/** The keys and texts of one run's messages: each known by its number, each text its own. */
export class Texts {
  readonly #run: string;
  readonly #filler: string;

  /** `run` names the run in every key; the same seed gives the same texts. */
  constructor(run: string, seed: number) {
    this.#run = run;
    this.#filler = filler(seed);
  }

  keyOf(index: number): string {
    return `${this.#run}-${index}`;
  }

  textOf(index: number): string {
    const key = this.keyOf(index);
    return `${key} ${this.#filler.slice(key.length + 1)}`;
  }

  /** The number of a message of this run by its key; undefined for others. */
  indexOf(key: string): number | undefined {
    if (!key.startsWith(this.#run) || key[this.#run.length] !== '-') return undefined;
    return Number(key.slice(this.#run.length + 1));
  }
}

/** Letters that do not compress to nothing. */
function filler(seed: number): string {
  let state = seed % 2147483647 || 1;
  const letter = () => {
    state = (state * 48271) % 2147483647;
    return 'abcdefghijklmnopqrstuvwxyz      '[state % 32] ?? ' ';
  };
  return Array.from({ length: TEXT_BYTES }, letter).join('');
}
