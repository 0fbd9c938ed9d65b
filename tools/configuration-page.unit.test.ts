import { describeSettings } from '@realchat/config';
import { describe, expect, test } from 'vitest';
import { databasesSettings, edgeSettings, topicsSettings } from './compose/config.ts';
import { configurationPage } from './configuration-page.ts';
import { meshSettings } from './stack/mesh-settings.ts';

const all = { ...meshSettings, databases: databasesSettings, topics: topicsSettings, edge: edgeSettings };

describe.each(Object.entries(all))('the settings of %s', (_, settings) => {
  const described = describeSettings(settings);

  test('each have a description that ends as a sentence', () => {
    expect(described.filter(({ description }) => !/^[A-Z`].*[.!]$/s.test(description)).map(({ name }) => name)).toEqual(
      [],
    );
  });

  test('are secret when their name says so', () => {
    const named = described.filter(({ name }) => /SECRET$|PASSWORD$|DATABASE_URL$|REDIS_URL$/.test(name));
    expect(named.filter(({ secret }) => !secret).map(({ name }) => name)).toEqual([]);
  });

  test('S-71: have no default when they are secret', () => {
    expect(described.filter(({ secret, required }) => secret && !required).map(({ name }) => name)).toEqual([]);
  });

  test('are on the page', () => {
    for (const { name, description } of described) {
      expect(configurationPage()).toContain(`| \`${name}\` | `);
      expect(configurationPage()).toContain(description.replaceAll('|', '\\|'));
    }
  });
});

test('the page is the same on every machine and in every process', () => {
  expect(configurationPage()).not.toContain(`-${process.pid}`);
});
