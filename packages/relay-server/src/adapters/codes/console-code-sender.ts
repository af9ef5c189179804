import type { CodeSender } from '../../ports/code-sender.ts';

/** Prints codes instead of sending them: for development, since whoever sees the output can register any number. */
export function consoleCodeSender(print: (line: string) => void): CodeSender {
  return {
    async send({ number, code }) {
      print(`[development] verification code for ${number}: ${code}\n`);
    },
  };
}
