import { expect, test } from 'vitest';
import { z } from 'zod';
import { describeSettings } from './describe.ts';
import { hostPort, list } from './schemas.ts';

const one = (schema: z.ZodType) => describeSettings({ NAME: schema })[0];

test('a setting is required unless its absence is valid', () => {
  expect(one(hostPort)).toMatchObject({ required: true, default: undefined });
  expect(one(z.string().optional())).toMatchObject({ required: false, default: undefined });
  expect(one(z.string().default('x'))).toMatchObject({ required: false, default: 'x' });
});

test('its default is shown as it would be written', () => {
  expect(one(z.coerce.number().default(300))?.default).toBe('300');
  expect(one(list.default(['a', 'b']))?.default).toBe('a,b');
  expect(one(list.default([]))?.default).toBeUndefined();
  expect(one(z.string().default('host-17').meta({ shownDefault: 'the host' }))?.default).toBe('the host');
});

test('its values are shown when they are few or bounded', () => {
  expect(one(z.enum(['a', 'b']).default('a'))?.values).toBe('a, b');
  expect(one(z.coerce.number().int().min(1).max(9).default(2))?.values).toBe('1 to 9');
  expect(one(z.coerce.number().int().min(1))?.values).toBe('1 or more');
  expect(one(z.coerce.number().int().max(9))?.values).toBe('at most 9');
  expect(one(z.coerce.number().int())?.values).toBeUndefined();
  expect(one(z.string().min(32))?.values).toBe('32 characters or more');
  expect(one(z.string().min(1))?.values).toBeUndefined();
});

test('its description and its secrecy come along, in whichever order they were said', () => {
  expect(one(z.string().describe('What it is.').meta({ secret: true }))).toMatchObject({
    description: 'What it is.',
    secret: true,
  });
  expect(one(z.string().meta({ secret: true }).describe('What it is.'))).toMatchObject({
    description: 'What it is.',
    secret: true,
  });
  expect(one(z.string())).toMatchObject({ description: '', secret: false });
});
