import type { z } from 'zod';

/** Says what a production process must not run with; undefined when all is well. Never repeats the value. */
export type ProductionRule<T> = (value: T) => string | undefined;

/** Words of secrets that stand in documentation. Six letters at least, so that no random secret has one by chance. */
const WELL_KNOWN = /secret|password|passwort|change-?me|default|example|realchat|postgres|development|123456|abcdef/i;
const MIN_DISTINCT_CHARACTERS = 10;
const MIN_PASSWORD_LENGTH = 16;
const MIN_PASSWORD_DISTINCT = 6;

/** Adds a rule that holds in production only. `describe` and `meta` may be said before or after. */
export function inProduction<S extends z.ZodType>(schema: S, rule: ProductionRule<z.output<S>>): S {
  return schema.meta({ ...schema.meta(), inProduction: rule });
}

/** The rule that a schema was given. */
export function productionRuleOf(schema: z.ZodType): ProductionRule<unknown> | undefined {
  return schema.meta()?.['inProduction'] as ProductionRule<unknown> | undefined;
}

/** The setting must be there. */
export function mustBeSet(value: unknown): string | undefined {
  return value === undefined ? 'is required in production' : undefined;
}

/** A secret that is nobody's guess: not of a page or an example, and not a few characters over and over. */
export function mustBeRandom(value: string): string | undefined {
  if (WELL_KNOWN.test(value)) return 'is a well-known text; make it of random characters';
  if (new Set(value).size < MIN_DISTINCT_CHARACTERS) return 'repeats few characters; make it of random ones';
  return undefined;
}

/** The address of an engine must carry a password that is nobody's guess. */
export function mustHavePassword(address: string): string | undefined {
  if (!URL.canParse(address)) return 'is no address';
  const { username, password } = new URL(address);
  if (password === '') return 'has no password, which production needs';
  if (password.length < MIN_PASSWORD_LENGTH) return `has a password of fewer than ${MIN_PASSWORD_LENGTH} characters`;
  if (password === username || WELL_KNOWN.test(password) || new Set(password).size < MIN_PASSWORD_DISTINCT) {
    return 'has a password that can be guessed; make it of random characters';
  }
  return undefined;
}

/** Origins of TLS alone, each written as a browser sends it. */
export function mustBeSecureOrigins(origins: readonly string[]): string | undefined {
  const wrong = origins.filter((origin) => !isSecureOrigin(origin));
  return wrong.length === 0 ? undefined : `production has https alone, and not such an origin is ${wrong.join(', ')}`;
}

function isSecureOrigin(origin: string): boolean {
  return origin.startsWith('https://') && URL.canParse(origin) && new URL(origin).origin === origin;
}

/** Addresses of TLS alone. */
export function mustBeSecureUrls(urls: readonly string[]): string | undefined {
  return urls.every((url) => url.startsWith('https://')) ? undefined : 'must be https in production';
}
