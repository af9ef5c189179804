/** One setting: its name, its default, and how a value is checked. */
export interface ConfigKey<Value> {
  /** Dotted, as in the file: `codes.ttlMs`. */
  readonly name: string;
  readonly fallback: Value;
  /** What values may be, for messages and `--help`. */
  readonly expects: string;
  /** Reads a value of the file, or a text of the environment or a flag; `undefined` when it is not what it should be. */
  read(raw: unknown): Value | undefined;
}

/** A text that is not empty. */
export function textKey(name: string, fallback: string, expects = 'a text'): ConfigKey<string> {
  return { name, fallback, expects, read: (raw) => (typeof raw === 'string' && raw !== '' ? raw : undefined) };
}

/** A text that fits a pattern. */
export function patternKey(name: string, fallback: string, pattern: RegExp, expects: string): ConfigKey<string> {
  return { name, fallback, expects, read: (raw) => (typeof raw === 'string' && pattern.test(raw) ? raw : undefined) };
}

/** A whole number within bounds, both included. */
export function integerKey(name: string, fallback: number, least: number, most: number): ConfigKey<number> {
  const expects = `a whole number from ${least} to ${most}`;
  return {
    name,
    fallback,
    expects,
    read(raw) {
      const value = typeof raw === 'string' && /^\d{1,16}$/.test(raw) ? Number(raw) : raw;
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
        ? value
        : undefined;
    },
  };
}

/** `true` or `false`. */
export function booleanKey(name: string, fallback: boolean): ConfigKey<boolean> {
  return {
    name,
    fallback,
    expects: '`true` or `false`',
    read: (raw) => (raw === true || raw === 'true' ? true : raw === false || raw === 'false' ? false : undefined),
  };
}

/** One of a few words. */
export function choiceKey<Choice extends string>(
  name: string,
  fallback: Choice,
  choices: readonly Choice[],
): ConfigKey<Choice> {
  return {
    name,
    fallback,
    expects: `one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`,
    read: (raw) => choices.find((choice) => choice === raw),
  };
}

/** A list of texts that all fit a pattern; separated by commas in the environment. */
export function listKey(
  name: string,
  fallback: readonly string[],
  pattern: RegExp,
  expects: string,
): ConfigKey<readonly string[]> {
  return {
    name,
    fallback,
    expects,
    read(raw) {
      const items: unknown = typeof raw === 'string' ? (raw === '' ? [] : raw.split(',')) : raw;
      if (!Array.isArray(items)) return undefined;
      const texts: string[] = [];
      for (const item of items) {
        if (typeof item !== 'string' || !pattern.test(item.trim())) return undefined;
        texts.push(item.trim());
      }
      return texts;
    },
  };
}

/** What keys have, by the places where they stand. */
export type ConfigValues<Keys> =
  Keys extends ConfigKey<infer Value> ? Value : { readonly [Name in keyof Keys]: ConfigValues<Keys[Name]> };

/** Puts the value of each key in its place. */
export function valuesOf<Keys extends object>(
  keys: Keys,
  pick: <Value>(key: ConfigKey<Value>) => Value,
): ConfigValues<Keys> {
  const place = (node: object): unknown =>
    isConfigKey(node)
      ? pick(node)
      : Object.fromEntries(Object.entries(node).map(([name, child]: [string, object]) => [name, place(child)]));
  return place(keys) as ConfigValues<Keys>;
}

/** Tells a key from what holds keys. */
export function isConfigKey(node: object): node is ConfigKey<unknown> {
  return 'fallback' in node;
}

/** The environment variable of a key: `codes.ttlMs` is `SOTTO_CODES_TTL_MS`. */
export function variableOf(name: string): string {
  return `SOTTO_${name
    .replaceAll('.', '_')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;
}
