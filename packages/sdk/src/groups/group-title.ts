import { groupLimits } from './group-limits.ts';

/** Whether a text is a title: 1..25 characters (Unicode code points), without control characters, line ends and lone surrogates. */
export function isGroupTitle(text: string): boolean {
  const length = [...text].length;
  return length >= 1 && length <= groupLimits.titleCodePoints && !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text);
}
