import { createInterface } from 'node:readline';

/** Asks for a line; `otherwise` says what to do where there is nobody to answer. @throws when the input ends before it */
export async function ask(what: string, otherwise: string): Promise<string> {
  using lines = createInterface(process.stdin, process.stdout);
  return await new Promise<string>((resolve, reject) => {
    lines.question(`${what}: `, resolve);
    lines.once('close', () => reject(new Error(`the input ended before an answer to: ${what}; ${otherwise}`)));
  });
}
