import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';

/** Tells whether a password is among the first that an attacker tries. */
export interface PasswordStrength {
  /** `context` are words that an attacker would try for this very account. */
  isCommon(password: string, context: readonly string[]): boolean;
}

/** Fewer guesses than this, and it is refused. */
const MIN_GUESSES_LOG10 = 8;

/** The estimate's cost grows with the square of the length, and this much of a password decides. */
const EXAMINED_LENGTH = 40;

const PRODUCT_WORDS = ['realchat'];

/**
 * Estimates how many guesses a password takes that is made of common passwords (49,000 are known), keyboard walks, dates,
 * sequences and repeats of any of them. A plain list does not help here: hardly any of the commonest passwords has the
 * length that the contract asks for, but many a long password is a common one said twice.
 */
export function createPasswordStrength(): PasswordStrength {
  const estimator = new ZxcvbnFactory({
    dictionary: common.dictionary,
    graphs: common.adjacencyGraphs,
    useLevenshteinDistance: false,
  });
  return {
    isCommon(password, context) {
      const { guessesLog10 } = estimator.check(password.slice(0, EXAMINED_LENGTH), [...context, ...PRODUCT_WORDS]);
      return guessesLog10 < MIN_GUESSES_LOG10;
    },
  };
}
