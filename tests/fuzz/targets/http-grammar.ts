import type { FuzzRandom } from '../fuzz-random.ts';

/** A JSON schema, as far as the relay's description uses it. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
}

interface Operation {
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> };
}

/** What `GET /v1/openapi.json` gives. */
export interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Raw requests of an API by its own description, with what a client could get wrong in every part. */
export class HttpGrammar {
  readonly #operations: readonly { readonly path: string; readonly method: string; readonly operation: Operation }[];
  readonly #token: string;
  readonly #ids: readonly string[];

  /**
   * @param token a good one: without it no request gets anywhere
   * @param ids of accounts, groups and what is in them
   */
  constructor(api: ApiDescription, token: string, ids: readonly string[]) {
    this.#operations = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
    this.#token = token;
    this.#ids = ids;
  }

  /** One request for each operation, without mistakes in its head. */
  seeds(random: FuzzRandom): readonly Uint8Array[] {
    return this.#operations.map((operation) => this.#request(operation, random, false));
  }

  some(random: FuzzRandom): Uint8Array {
    return this.#request(random.pick(this.#operations), random, true);
  }

  #request(
    { path, method, operation }: { path: string; method: string; operation: Operation },
    random: FuzzRandom,
    isCareless: boolean,
  ): Uint8Array {
    const target = path.replace(/\{\w+\}/g, () =>
      random.once(6) ? encodeURIComponent(random.someText()) : random.pick(this.#ids),
    );
    const query = random.once(6) ? `?device=${random.pick(['1', '0', '-1', 'x', '99999999999', ''])}` : '';
    const [type, schema] = bodyOf(operation);
    const body =
      type === undefined ? '' : type.includes('json') ? JSON.stringify(this.#value(schema, random, 0)) : 'bytes';
    const lines = [
      `${isCareless && random.once(20) ? random.pick(['PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'get']) : method} ${target}${query} HTTP/1.1`,
      'host: localhost',
      'connection: close',
    ];
    if (!(isCareless && random.once(8))) lines.push(`authorization: Bearer ${this.#token}`);
    if (type !== undefined) lines.push(`content-type: ${isCareless && random.once(15) ? 'text/plain' : type}`);
    if (isCareless && random.once(10))
      lines.push(`x-forwarded-for: ${random.pick(['1.2.3.4', '::1', 'x', '1.1.1.1, 2.2.2.2'])}`);
    const length = Buffer.byteLength(body) + (isCareless && random.once(30) ? random.between(-3, 3) : 0);
    if (type !== undefined) lines.push(`content-length: ${Math.max(0, length)}`);
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  #value(schema: Schema | undefined, random: FuzzRandom, depth: number): unknown {
    if (schema === undefined || random.once(25)) return this.#anything(random);
    if (schema.anyOf !== undefined) return this.#value(random.pick(schema.anyOf), random, depth);
    if (schema.enum !== undefined) return random.pick(schema.enum);
    const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
    switch (type) {
      case 'object':
        return Object.fromEntries(
          Object.entries(schema.properties ?? {})
            .filter(() => !random.once(12))
            .map(([name, property]) => [name, this.#value(property, random, depth + 1)]),
        );
      case 'array':
        return Array.from({ length: random.pick([0, 1, 1, 2, 120]) }, () =>
          this.#value(schema.items, random, depth + 1),
        );
      case 'integer':
      case 'number':
        return Number(random.someInteger());
      case 'boolean':
        return random.once(2);
      default:
        return this.#text(random);
    }
  }

  #text(random: FuzzRandom): string {
    if (random.once(4)) return random.someText();
    if (random.once(4)) return random.pick(this.#ids);
    return Buffer.from(random.someBytes()).toString('base64url');
  }

  #anything(random: FuzzRandom): unknown {
    return random.pick([null, 0, -1, 1e308, '', [], {}, [[]], { a: null }, true, this.#text(random)]);
  }
}

function bodyOf(operation: Operation): [type: string | undefined, schema: Schema | undefined] {
  const [entry] = Object.entries(operation.requestBody?.content ?? {});
  return entry === undefined ? [undefined, undefined] : [entry[0], entry[1].schema];
}
