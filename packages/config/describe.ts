import { z } from 'zod';
import type { Settings } from './load.ts';

/** What a person has to know about a setting. */
export interface SettingDescription {
  name: string;
  description: string;
  /** The process does not start without it. */
  required: boolean;
  /** Its schema says `.meta({ secret: true })`. */
  secret: boolean;
  /**
   * What holds when it is unset, as it would be written; undefined when nothing does. For a default that differs from
   * process to process, what the schema says in `.meta({ shownDefault: 'words' })`.
   */
  default: string | undefined;
  /** The values that it takes, where they are few or have bounds. */
  values: string | undefined;
}

/** Describes settings from their schemas, in their order, so that documentation says what the process checks. */
export function describeSettings(settings: Settings): SettingDescription[] {
  return Object.entries(settings).map(([name, schema]) => {
    const { description = '', secret = false } = schema.meta() ?? {};
    return {
      name,
      description,
      required: !schema.safeParse(undefined).success,
      secret: secret === true,
      default: defaultOf(schema),
      values: valuesOf(schema),
    };
  });
}

function defaultOf(schema: z.ZodType): string | undefined {
  const words = schema.meta()?.['shownDefault'];
  if (typeof words === 'string') return words;
  if (!(schema instanceof z.ZodDefault)) return undefined;
  const value = schema.def.defaultValue;
  if (Array.isArray(value)) return value.join(',') || undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function valuesOf(schema: z.ZodType): string | undefined {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return valuesOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodEnum) return schema.options.join(', ');
  if (schema instanceof z.ZodString && (schema.minLength ?? 0) > 1) return `${schema.minLength} characters or more`;
  if (schema instanceof z.ZodNumber) return boundsOf(schema);
  return undefined;
}

function boundsOf({ minValue, maxValue }: z.ZodNumber): string | undefined {
  const least = minValue !== null && minValue > Number.MIN_SAFE_INTEGER ? minValue : undefined;
  const most = maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER ? maxValue : undefined;
  if (least !== undefined && most !== undefined) return `${least} to ${most}`;
  if (least !== undefined) return `${least} or more`;
  return most === undefined ? undefined : `at most ${most}`;
}
