import { failureOf, UnknownUserError } from '@realchat/client';

// Reasons that are about one field, though the answer does not name it.
const FIELD_OF_REASON: Record<string, string> = {
  CONVERSATION_WITH_SELF: 'username',
  PASSWORD_TOO_COMMON: 'password',
  USERNAME_TAKEN: 'username',
};

/** Why a form was not accepted, for the reader of the page. */
export class FormProblem extends Error {
  override name = 'FormProblem';
  /** What is wrong with single fields, by the form's own names. */
  readonly fields: Readonly<Record<string, string>>;

  /** @param sentence about the form as a whole; empty when the fields say it all. */
  constructor(sentence: string, fields: Record<string, string> = {}, cause?: unknown) {
    super(sentence, { cause });
    this.fields = fields;
  }

  /**
   * What a call threw, as a problem of the form that it was made for.
   *
   * @param formFields the form's name of each field of the contract, by the last name in its path.
   * @param usersField the form's field of users' names, if there is one.
   */
  static of(thrown: unknown, formFields: Readonly<Record<string, string>>, usersField = ''): FormProblem {
    if (thrown instanceof FormProblem) return thrown;
    if (thrown instanceof UnknownUserError) return new FormProblem('', { [usersField]: thrown.message }, thrown);
    const failure = failureOf(thrown);
    const fields: Record<string, string> = {};
    for (const { field, sentence } of failure.violations) {
      const name = formFields[lastName(field)];
      if (name) fields[name] ??= sentence;
    }
    const field = FIELD_OF_REASON[failure.reason];
    if (field && Object.values(formFields).includes(field)) fields[field] ??= failure.sentence;
    const isSaid = Object.keys(fields).length > 0;
    return new FormProblem(isSaid ? '' : failure.sentence, fields, thrown);
  }
}

/** `member_ids` of `group.member_ids[2]`. */
function lastName(path: string): string {
  return /([a-z_0-9]+)(\[[^\]]*\])*$/.exec(path)?.[1] ?? path;
}
