/** What a call came to, in a form that both libraries' results can be compared in. */
export async function outcomeOf(run: () => unknown): Promise<string> {
  try {
    return `gave ${printed(await run())}`;
  } catch (error) {
    return refusal(error);
  }
}

/** An error of either library by its name, code and operation. */
export function refusal(error: unknown): string {
  if (error instanceof Error && 'code' in error && 'operation' in error) {
    return `${error.name} (${String(error.code)}) in ${String(error.operation)}`;
  }
  return error instanceof Error ? error.constructor.name : 'something that is no error';
}

function printed(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
