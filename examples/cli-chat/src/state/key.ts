/** A key as `node:readline` tells it. */
export interface Key {
  /** `up`, `return`, `pageup`, `a`, ...; undefined for most characters beyond ASCII. */
  readonly name: string | undefined;
  /** The characters that it stands for, empty for keys that write nothing. */
  readonly text: string;
  readonly ctrl: boolean;
  readonly meta: boolean;
  readonly shift: boolean;
}

/** A short name to branch on: `C-c`, `M-return`, `pageup`. */
export function chord({ name, ctrl, meta }: Key): string {
  return `${ctrl ? 'C-' : ''}${meta && name !== 'escape' ? 'M-' : ''}${name ?? ''}`;
}

/** Whether a key writes its text. */
export function isWriting({ text, ctrl, meta }: Key): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character is not written.
  return !ctrl && !meta && text !== '' && !/[\0-\x1f\x7f-\x9f]/.test(text);
}
