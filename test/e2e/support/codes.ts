import { Code } from '@realchat/gen/google/rpc/code';

export type CodeName = keyof typeof Code;

const NAMES = new Map<number, CodeName>(Object.entries(Code).map(([name, code]) => [code, name as CodeName]));

/** The name of a canonical code; UNKNOWN for any other number. */
export function codeName(code: number): CodeName {
  return NAMES.get(code) ?? 'UNKNOWN';
}
