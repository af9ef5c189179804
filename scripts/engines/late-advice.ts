/** What to do about a process that runs and has not answered in time. */
export function lateAdvice(member: string, log: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `${member}: ${reason}\nIt still runs, and logs to ${log}: look there what it waits for (memory, disk, a busy machine). \`up\` once more, with the same options, waits on for it; \`down\` ends it`;
}
