/** An environment in which some `host:port` are others, wherever they stand. Where the process itself listens stays. */
export function rerouted(
  env: Readonly<Record<string, string>>,
  routes: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const ways = Object.entries(routes).map(([from, to]) => [addressPattern(from), to] as const);
  const through = (value: string) => ways.reduce((text, [from, to]) => text.replaceAll(from, to), value);
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, name.endsWith('_LISTEN') ? value : through(value)]),
  );
}

/** An address, not the beginning of one with a longer port. */
function addressPattern(address: string): RegExp {
  return new RegExp(`${address.replaceAll('.', '\\.')}(?!\\d)`, 'g');
}
