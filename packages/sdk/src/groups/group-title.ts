import { isShownName } from '../accounts/shown-name.ts';
import { groupLimits } from './group-limits.ts';

/** Whether a text is a title: a name of 1..25 characters (Unicode code points), as `isShownName` has it. A rule of evaluation: all clients decide alike. */
export function isGroupTitle(text: string): boolean {
  return isShownName(text, groupLimits.titleCodePoints);
}
