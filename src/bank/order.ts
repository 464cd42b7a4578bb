import type { AppliedDocument } from './journal-document.ts';

/**
 * The order of application among documents of one time, of which some have no `seq`, since an
 * older version wrote them: each comes after those with the earlier versions of its accounts.
 */
export function orderByVersions(documents: readonly AppliedDocument[]): readonly AppliedDocument[] {
  // What another program wrote may lack them; it is found where it is read.
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
