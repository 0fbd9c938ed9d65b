import { byId, setText } from './dom.ts';

/** Says who is typing. Its place is always there, so that the messages above do not jump. */
export function renderTyping(names: readonly string[]): void {
  setText(byId('typing', HTMLElement), sentenceFor(names));
}

function sentenceFor(names: readonly string[]): string {
  const [first, second] = names;
  if (first === undefined) return '';
  if (second === undefined) return `${first} is typing…`;
  return names.length === 2 ? `${first} and ${second} are typing…` : `${names.length} people are typing…`;
}
