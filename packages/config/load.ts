import { z } from 'zod';
import { productionRuleOf } from './production.ts';

/** Settings by environment name, each with its own schema, default and description. */
export type Settings = Record<string, z.ZodType>;

/** The values of settings. */
export type Config<S extends Settings> = z.infer<z.ZodObject<S>>;

/** A rule over several settings, or over the files that they name: `NAME: what is wrong`, one line a problem. */
export type ConfigCheck<C> = (config: C) => string[];

/** Says everything that is wrong with the environment, one line a setting, without the values of secrets. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Reads a process's settings from its environment, before any port opens.
 * An empty variable counts as unset. In production (REALCHAT_MODE) the rules of `inProduction` hold as well. Throws
 * ConfigError with every problem at once; the checks are made when each setting by itself is good.
 */
export function parseConfig<S extends Settings>(
  settings: S,
  env: NodeJS.ProcessEnv,
  ...checks: ConfigCheck<Config<S>>[]
): Config<S> {
  const present = Object.fromEntries(
    Object.keys(settings).map((name) => [name, env[name] === '' ? undefined : env[name]]),
  );
  const result = z.object(settings).safeParse(present);
  const problems = [
    ...(result.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    ...(env['REALCHAT_MODE'] === 'production' ? brokenRules(settings, present) : []),
  ];
  if (result.success && problems.length === 0) problems.push(...checks.flatMap((check) => check(result.data)));
  if (!result.success || problems.length > 0) throw new ConfigError(problems.join('\n'));
  return result.data;
}

function brokenRules(settings: Settings, present: Record<string, string | undefined>): string[] {
  return Object.entries(settings).flatMap(([name, schema]) => {
    const value = schema.safeParse(present[name]);
    const problem = value.success ? productionRuleOf(schema)?.(value.data) : undefined;
    return problem === undefined ? [] : [`${name}: ${problem}`];
  });
}

/** As parseConfig with the process's own environment, for an entry file: prints what is wrong and exits with 78 (EX_CONFIG). */
export function loadConfig<S extends Settings>(settings: S, ...checks: ConfigCheck<Config<S>>[]): Config<S> {
  try {
    return parseConfig(settings, process.env, ...checks);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The configuration is not usable:\n${error.message.replace(/^/gm, '  ')}\n`);
    process.exit(78);
  }
}
