/** `ErrorBody` of `@sotto/proto` as JSON schema. */
export const errorSchema = {
  $id: 'Error',
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'retryable'],
      properties: {
        code: { type: 'string', description: 'Stable, lower-case, dashed.' },
        message: { type: 'string', description: 'What to do next.' },
        retryable: { type: 'boolean' },
        retryAfterMs: { type: 'integer' },
        attemptsLeft: { type: 'integer' },
        deviceList: { type: 'string' },
        lockSalt: { type: 'string' },
      },
    },
  },
} as const;

/** The answers of a route: its own, and an error for everything from 400. */
export function answers<Answers extends object>(own: Answers): Answers & Record<'4xx' | '5xx', { $ref: string }> {
  return { ...own, '4xx': { $ref: 'Error#' }, '5xx': { $ref: 'Error#' } };
}

/** An object with these properties, all required but those named. */
export function objectOf<Properties extends object>(properties: Properties, optional: readonly string[] = []) {
  return {
    type: 'object',
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    properties,
  } as const;
}

/** Pieces of schemas that several routes have. */
export const pieces = {
  uuid: { type: 'string', pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' },
  /** Unpadded base64url of any length. */
  bytes: { type: 'string', pattern: '^[A-Za-z0-9_-]*$' },
  /** 16 bytes in unpadded base64url. */
  sixteen: { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' },
  /** 32 bytes in unpadded base64url. */
  token: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' },
  count: { type: 'integer', minimum: 0 },
  ms: { type: 'integer', minimum: 0, description: 'Milliseconds.' },
  number: { type: 'string', minLength: 1, maxLength: 32, description: 'E.164' },
} as const;

/** An answer that is bytes. */
export const binary = { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } };

/** For routes that take a token. */
export const withToken = [{ accessToken: [] }];
