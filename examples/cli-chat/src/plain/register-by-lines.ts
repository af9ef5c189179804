import type { Client } from '@sotto/sdk';
import { errorText, isMistyped } from '../session/error-text.ts';
import { cleanLine } from '../text/clean-text.ts';
import { endText } from '../text/end-text.ts';
import type { PlainLines } from './plain-lines.ts';
import { qrLines } from './qr-lines.ts';

/** Makes an account if there is none: asks question after question, each on a line. The recovery key is told at the end. */
export async function registerByLines(
  client: Client,
  lines: PlainLines,
  signal: AbortSignal,
  linkAs: string | undefined,
): Promise<void> {
  if (client.account !== undefined) return;
  if (linkAs !== undefined) {
    await linkByLines(client, lines, signal, linkAs);
    return;
  }
  if (client.endReason !== undefined) lines.warn(endText(client.endReason, 'starting'));
  const phone = await askNumber(lines);
  const username = await lines.ask('your name:');
  const typed = await lines.ask('your recovery key, or an empty line if you have none:');
  for (;;) {
    try {
      const { recoveryKey } = await client.register({
        phone,
        profile: { username },
        signal,
        ...(typed !== '' && { recoveryKey: typed }),
        code: () => lines.ask('the code that was sent to your number:'),
        pin: () => lines.ask('the PIN that locks this number:'),
      });
      if (typed === '') lines.warn(`write your recovery key down, and show it to nobody: ${recoveryKey}`);
      return;
    } catch (error) {
      if (!isMistyped(error)) throw error;
      lines.warn(errorText(error));
    }
  }
}

/** Becomes another device of an account: shows the code that its first device is to be given. */
async function linkByLines(client: Client, lines: PlainLines, signal: AbortSignal, name: string): Promise<void> {
  const { number } = await client.linkDevice({
    name,
    signal,
    onCode: (code) => {
      lines.warn('within two minutes, say this on your first device, or scan it there:');
      for (const row of qrLines(code)) lines.warn(row);
      lines.warn(`:link ${code}`);
    },
    confirm: async (account) => {
      const whose = `${account.number} (${cleanLine(account.username)})`;
      return (await lines.ask(`is ${whose} your account? yes, or this device is none of it:`)) === 'yes';
    },
  });
  lines.warn(`this is a device of ${number} now`);
}

/** The number, once it looks like one: what is wrong with it is said before the next question. */
async function askNumber(lines: PlainLines): Promise<string> {
  for (;;) {
    const number = (await lines.ask('no account here yet; your number, like +14155550101:')).replace(/[\s().-]/g, '');
    if (/^\+[1-9]\d{6,14}$/.test(number)) return number;
    lines.warn('this is no number in international form: + and the country, then the number');
  }
}
