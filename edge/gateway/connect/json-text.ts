const MAX_DEPTH = 100;
const WHITESPACE = new Set([' ', '\t', '\n', '\r']);

/**
 * Decodes the text of a JSON body, and refuses what JSON.parse lets through although no two parsers need agree on it: a key
 * that an object has twice, and bytes that are no UTF-8. Whether it is JSON at all is left to JSON.parse.
 */
export const strictJsonText = {
  decode(bytes: Uint8Array): string {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    refuseRepeatedKeys(text);
    return text;
  },
};

function refuseRepeatedKeys(text: string): void {
  /** For each open object the keys that it has; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > MAX_DEPTH) throw new SyntaxError('nested too deeply');
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (keys !== undefined && isKey(text, end)) addKey(keys, text.slice(at, end + 1));
      at = end;
    }
  }
}

function addKey(keys: Set<string>, quoted: string): void {
  const key = String(JSON.parse(quoted));
  if (keys.has(key)) throw new SyntaxError(`the key ${JSON.stringify(key.slice(0, 64))} is there twice`);
  keys.add(key);
}

/** Where the string that begins at a quote ends. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

/** Whether the string that ends here is followed by a colon. */
function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (WHITESPACE.has(text[at] ?? '')) at += 1;
  return text[at] === ':';
}
