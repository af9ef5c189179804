import { expect, it } from 'vitest';
import { defaultPlatform } from '#platform';
import { memoryStore } from '../adapters/memory/memory-store.ts';
import type { Platform } from '../ports/platform.ts';
import { platformOf } from './client-options.ts';

const parts = Object.keys(defaultPlatform()) as (keyof Platform)[];

it('a part of the platform that is given as undefined is the default one', () => {
  const platform = Object.fromEntries(parts.map((name) => [name, undefined])) as Partial<Platform>;
  const made = platformOf({ relay: 'http://localhost:1', store: memoryStore(), platform });
  expect(parts.filter((name) => made[name] === undefined)).toEqual([]);
});

it('a part of the platform that is given stands in the place of the default one', () => {
  const own = defaultPlatform();
  const made = platformOf({ relay: 'http://localhost:1', store: memoryStore(), platform: { ...own } });
  expect(parts.filter((name) => made[name] !== own[name])).toEqual([]);
});
