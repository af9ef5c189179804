/** The `sotto-relay` command: reads flags and config, runs the relay until a signal, and resolves to the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  process.stderr.write(`sotto-relay: can't serve yet (${args.length} arguments)\n`);
  return 1;
}
