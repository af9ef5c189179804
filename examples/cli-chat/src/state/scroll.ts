import type { AppState, OpenChat } from './app-state.ts';

/** What scrolling needs to know of a history as it is laid out. */
export interface Layout {
  /** A key a row, oldest first. */
  readonly keys: readonly string[];
  /** How many rows are seen. */
  readonly height: number;
}

/** Lays the open chat out, as the screen will show it. */
export type LayOut = (state: AppState, open: OpenChat) => Layout;

/** Where the window on a history begins. */
export function topRow({ keys, height }: Layout, top: string | undefined): number {
  const last = Math.max(0, keys.length - height);
  if (top === undefined) return last;
  const at = keys.indexOf(top);
  if (at !== -1) return Math.min(at, last);
  // The row is gone, for example since lines break elsewhere at another width: the message is not.
  const [id = ''] = top.split(' ');
  const near = keys.findIndex((key) => key.startsWith(id));
  return near === -1 ? last : Math.min(near, last);
}

/** The key of the top row after scrolling by so many rows, up when negative; undefined at the end, which is then followed. */
export function scrolled(layout: Layout, top: string | undefined, by: number): string | undefined {
  const last = Math.max(0, layout.keys.length - layout.height);
  const at = Math.max(0, topRow(layout, top) + by);
  return at >= last ? undefined : layout.keys[at];
}

/** Whether the oldest loaded row is seen. */
export function isAtStart(layout: Layout, top: string | undefined): boolean {
  return topRow(layout, top) === 0;
}
