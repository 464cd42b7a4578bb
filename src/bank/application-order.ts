import type { AppliedDocument } from './journal-document.ts';
import { timeOf } from './stored-values.ts';

/**
 * Sorts documents in their order of application. They come sorted by time and `seq`, all of one
 * time together. Adding the id to the server's index would make every posting more expensive, so
 * documents that share both, such as those of transactions in one millisecond or written by older
 * versions, are sorted here by `_id`, as the server compares it.
 */
export function sortByApplication(
  documents: readonly AppliedDocument[],
): readonly AppliedDocument[] {
  const ordered: AppliedDocument[] = [];
  for (let start = 0, end = 1; start < documents.length; end += 1) {
    const [first, next] = [documents[start], documents[end]];
    if (first && next && timeKey(first) === timeKey(next) && first.seq === next.seq) continue;
    const tied = documents.slice(start, end);
    if (tied.length > 1) tied.sort(compareIds);
    for (const document of tied) ordered.push(document);
    start = end;
  }
  if (ordered.every(({ seq }) => seq !== undefined)) return ordered;
  return groupByTime(ordered).flatMap(orderByVersions);
}

function groupByTime(
  documents: readonly AppliedDocument[],
): readonly (readonly AppliedDocument[])[] {
  const times: AppliedDocument[][] = [];
  for (const [index, document] of documents.entries()) {
    const before = documents[index - 1];
    if (before && timeKey(before) === timeKey(document)) times.at(-1)?.push(document);
    else times.push([document]);
  }
  return times;
}

/** Where those begin that have the time of the last one; others of that time may follow. */
export function lastOfTime(documents: readonly AppliedDocument[]): number {
  const last = documents.at(-1);
  return last ? documents.findIndex((document) => timeKey(document) === timeKey(last)) : 0;
}

/**
 * Where those begin whose order may depend on what follows. Upwards, those without a `seq` come
 * first of their time: if the first one has one, all do, and only what shares it too is left to
 * sort. A whole batch of operations has one time, which would be much to hold.
 */
export function lastTied(documents: readonly AppliedDocument[]): number {
  const start = lastOfTime(documents);
  const last = documents.at(-1);
  if (!last || typeof documents[start]?.seq !== 'number') return start;
  return documents.findIndex(({ seq }, index) => index >= start && seq === last.seq);
}

/** A document written by another program may have no time, which its reader will report. */
export function timeKey(document: AppliedDocument): number | undefined {
  return timeOf(document.at)?.getTime();
}

/** By the bytes of UTF-8. An id that is not text is reported by its reader. */
function compareIds({ _id: left }: AppliedDocument, { _id: right }: AppliedDocument): number {
  return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
}

/**
 * Sorts documents of one time, some of which an older version wrote without a `seq`: each comes
 * after those with the earlier versions of its accounts.
 */
function orderByVersions(documents: readonly AppliedDocument[]): readonly AppliedDocument[] {
  // What another program wrote may lack them, which its reader will report.
  if (!documents.every(({ postings }) => Array.isArray(postings))) return documents;
  const waiting = new Map<string, { readonly version: number; readonly id: string }[]>();
  for (const { _id: id, postings } of documents) {
    for (const posting of postings) {
      const queue = waiting.get(keyOf(posting)) ?? [];
      waiting.set(keyOf(posting), queue);
      queue.push({ version: Number(posting.version), id });
    }
  }
  // Taken from the end.
  for (const queue of waiting.values()) queue.sort((left, right) => right.version - left.version);
  const left = new Map(documents.map((document) => [document._id, document]));
  const ordered: AppliedDocument[] = [];
  const ready = documents.map(({ _id }) => _id).reverse();
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    const document = left.get(id);
    const keys = document?.postings.map(keyOf) ?? [];
    if (!document || keys.some((key) => waiting.get(key)?.at(-1)?.id !== id)) continue;
    left.delete(id);
    ordered.push(document);
    for (const key of keys) {
      waiting.get(key)?.pop();
      const next = waiting.get(key)?.at(-1);
      if (next) ready.push(next.id);
    }
  }
  return [...ordered, ...left.values()];
}

function keyOf({ branch, account_number }: AppliedDocument['postings'][number]): string {
  return `${branch}:${account_number}`;
}
