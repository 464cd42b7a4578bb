import type { Document } from 'mongodb';
import { type PlainPosting, plainPostings } from '../../bank/plain-documents.ts';
import type { Currency } from '../../core/money.ts';
import { count, quote } from '../../core/text.ts';
import type { Finding } from '../finding.ts';
import { type Audited, unlessForbidden } from './audited.ts';
import { readHead, readPosting } from './journal-posting.ts';
import { addPostedProfile } from './profile-scan.ts';

/** Reads every applied operation, and adds its postings to the fingerprints of their accounts. */
export async function* scanJournal(audited: Audited): AsyncGenerator<readonly Finding[]> {
  const { bank, skipped } = audited;
  if (!bank.journal || skipped.has(bank.journal.collection)) return;
  const { collection } = bank.journal;
  yield* unlessForbidden(audited, { collection }, scanOperations(audited));
}

async function* scanOperations(audited: Audited): AsyncGenerator<readonly Finding[]> {
  const { observers, checked, host } = audited;
  const currencies = currenciesOf(audited);
  const { fingerprints } = audited;
  const add = ({ branch, account, version, balanceAfterMinor, amountMinor }: PlainPosting) => {
    const key = fingerprints.keyOf(branch, account);
    fingerprints.add(key, version, balanceAfterMinor, -1);
    fingerprints.add(key, version - 1, balanceAfterMinor - amountMinor, 1);
  };
  // The order of application takes longer, so it is only kept for those who need it.
  const batches = observers.length > 0 ? inOrder(audited) : asStored(audited, add);
  for await (const { operations, others } of batches) {
    const findings: Finding[] = [];
    for (const document of others) {
      const field = addOperation(audited, currencies, document);
      if (field !== undefined) findings.push(badOperation(document, field));
    }
    checked.operations += operations;
    host.progress(`Reading the journal: ${count(checked.operations, 'operation')}`);
    if (findings.length > 0) yield findings;
  }
}

/** Operations that were read, and those of them that are still to be looked at. */
interface Read {
  readonly operations: number;
  readonly others: readonly Document[];
}

async function* inOrder({ bank, session }: Audited): AsyncGenerator<Read> {
  for await (const others of bank.journal?.all(session) ?? []) {
    yield { operations: others.length, others };
  }
}

/** Visits the postings that are as bankctl writes them from their bytes, which is faster. */
export async function* asStored(
  audited: Audited,
  visit: (posting: PlainPosting) => void,
): AsyncGenerator<Read> {
  const { bank, session } = audited;
  const currencies = currenciesOf(audited);
  const read = plainPostings((branch) => currencies.get(branch)?.digits);
  for await (const batch of bank.scan.operations(session)) {
    const others: Document[] = [];
    for (const bytes of batch) {
      const postings: PlainPosting[] = [];
      if (!read(bytes, postings)) others.push(bank.scan.decode(bytes));
      else for (const posting of postings) visit(posting);
    }
    yield { operations: batch.length, others };
  }
}

/** Postings of other branches, or of those that the config leaves out, are none of this audit's. */
export function currenciesOf({ places }: Audited): ReadonlyMap<unknown, Currency> {
  return new Map(places.flatMap(({ branch }) => (branch ? [[branch.name, branch.currency]] : [])));
}

/** @returns the name of a field that is not valid, if there is one */
function addOperation(
  audited: Audited,
  currencies: ReadonlyMap<unknown, Currency>,
  document: Document,
): string | undefined {
  const { fingerprints, observers } = audited;
  const head = readHead(document);
  const { by, request, reverses, postings } = document;
  if (!head) return 'type or at';
  if (!Array.isArray(postings)) return 'postings';
  let wrong = typeof by === 'string' && typeof request === 'string' ? undefined : 'by or request';
  for (const stored of postings) {
    const branch: unknown = stored?.branch;
    const currency = currencies.get(branch);
    if (!currency || typeof branch !== 'string') continue;
    const posting = readPosting(head, stored, currency);
    if (!posting) {
      wrong = 'postings';
      continue;
    }
    const { account, version, amountMinor, balanceAfterMinor } = posting;
    const key = fingerprints.keyOf(branch, account);
    fingerprints.add(key, version, balanceAfterMinor, -1);
    fingerprints.add(key, version - 1n, balanceAfterMinor - amountMinor, 1);
    addPostedProfile(audited, { branch, account }, stored);
    const reversed = typeof reverses === 'string' ? reverses : undefined;
    for (const observer of observers) {
      observer.posting({ ...posting, branch, reverses: reversed });
    }
  }
  return wrong;
}

function badOperation({ _id }: Document, field: string): Finding {
  const operation = String(_id);
  return {
    code: 'bad_document',
    account: null,
    operation,
    detail: `The journal document ${quote(operation)} has no valid ${field}.`,
    cause: null,
    repair: 'Restore that document of the journal from a backup.',
  };
}
