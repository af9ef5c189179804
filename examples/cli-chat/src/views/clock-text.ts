const days = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const dates = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
const short = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** A clock time of this machine's zone: `09:05`. */
export function clockText(at: number): string {
  const date = new Date(at);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}

/** A day, as a person says it: `Today`, `Yesterday`, `Friday 20 November`, `3 May 2024`. */
export function dayText(at: number, now: number): string {
  const age = dayNumber(now) - dayNumber(at);
  if (age === 0) return 'Today';
  if (age === 1) return 'Yesterday';
  return age > 1 && age < 180 ? days.format(at) : dates.format(at);
}

/** For the chat list: the time of today, the day of what is older; at most six columns. */
export function shortTimeText(at: number, now: number): string {
  return dayNumber(now) === dayNumber(at) ? clockText(at) : short.format(at).slice(0, 6);
}

/** Counts days of this machine's zone. */
export function dayNumber(at: number): number {
  const date = new Date(at);
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}
