/** Resolves in the next turn of the event loop, when all that this one has begun has had its say. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Runs something in the next turn of the event loop. */
export function inNextTurn(run: () => void): void {
  setImmediate(run);
}
