import type { GroupLogAnswer } from '@sotto/proto';
import type { Fetch } from '@sotto/sdk/ports';

/** What one client hears of groups when its relay is not honest, and its requests as it has sent them. */
export class TamperedGroups {
  /** Gives what is answered in place of a page of a log. Honest until it is set. */
  tamper: (page: GroupLogAnswer) => GroupLogAnswer = (page) => page;
  /** The answers to appended records are kept back, as by a crash before they came. */
  losesAnswers = false;
  /** Records that were appended, with whom they let in and shut out: bodies as they were sent. */
  readonly appends: unknown[] = [];
  /** Called before a record is appended. */
  beforeAppend: () => Promise<void> = async () => undefined;
  /** Called when an answer was kept back. */
  onLost: () => void = () => undefined;

  readonly fetch: Fetch = async (url, request) => {
    const { pathname } = new URL(url);
    const isLog = /^\/v1\/groups\/[^/]+\/records$/.test(pathname);
    const isAppend = isLog && request.method === 'POST';
    if (isAppend) {
      await this.beforeAppend();
      this.appends.push(JSON.parse(String(request.body)));
    }
    const answer = await (fetch as unknown as Fetch)(url, request);
    if (isAppend && this.losesAnswers) return lost(request.signal, this.onLost);
    if (!isLog || isAppend || answer.status !== 200) return answer;
    const page = (await (answer as unknown as Response).json()) as GroupLogAnswer;
    return new Response(JSON.stringify(this.tamper(page)), {
      status: 200,
      headers: { 'content-type': 'application/json' },
    }) as unknown as Awaited<ReturnType<Fetch>>;
  };
}

/** The answer never comes. */
function lost(signal: AbortSignal, onLost: () => void): Promise<never> {
  onLost();
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}

/** The log as it was at a revision: what came after it is held back, or taken back. */
export function upTo(revision: number): (page: GroupLogAnswer) => GroupLogAnswer {
  return ({ records, firstRevision }) => ({
    records: records.slice(0, Math.max(0, revision + 1 - firstRevision)),
    firstRevision: Math.min(firstRevision, revision + 1),
    lastRevision: revision,
  });
}

/** Another record in the place of one. */
export function replacing(revision: number, record: string): (page: GroupLogAnswer) => GroupLogAnswer {
  return (page) => ({
    ...page,
    records: page.records.map((one, at) => (page.firstRevision + at === revision ? record : one)),
  });
}
