/** A piece of Envoy's configuration, as its JSON form is written. */
export type EnvoyObject = { [key: string]: unknown };

/** A message behind an `Any`, such as a filter's `typed_config`. */
export function typed(type: string, config: EnvoyObject = {}): EnvoyObject {
  return { '@type': `type.googleapis.com/${type}`, ...config };
}

/** A named extension: a filter, a transport socket, an access logger. */
export function extension(name: string, type: string, config: EnvoyObject = {}): EnvoyObject {
  return { name, typed_config: typed(type, config) };
}

/** Chooses log lines and local replies by a CEL expression over request, response and metadata. */
export function celFilter(expression: string): EnvoyObject {
  return {
    extension_filter: extension(
      'envoy.access_loggers.extension_filters.cel',
      'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
      { expression },
    ),
  };
}

/** Turns a filter off for a route. */
export function turnedOff(filterName: string): EnvoyObject {
  return { [filterName]: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) };
}

/** Envoy's form of a time. */
export function duration(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}
