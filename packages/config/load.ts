import { z } from 'zod';

/** Settings by environment name, each with its own schema, default and description. */
export type Settings = Record<string, z.ZodType>;

/** Says everything that is wrong with the environment, one line a setting, without the values of secrets. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Reads a process's settings from its environment, before any port opens.
 * An empty variable counts as unset. Throws ConfigError with every problem at once.
 */
export function parseConfig<S extends Settings>(settings: S, env: NodeJS.ProcessEnv): z.infer<z.ZodObject<S>> {
  const present = Object.fromEntries(
    Object.keys(settings).map((name) => [name, env[name] === '' ? undefined : env[name]]),
  );
  const result = z.object(settings).safeParse(present);
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'));
}

/** As parseConfig, for an entry file: prints what is wrong and exits with 78 (EX_CONFIG). */
export function loadConfig<S extends Settings>(
  settings: S,
  env: NodeJS.ProcessEnv = process.env,
): z.infer<z.ZodObject<S>> {
  try {
    return parseConfig(settings, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The configuration is not usable:\n${error.message.replace(/^/gm, '  ')}\n`);
    process.exit(78);
  }
}
