import { type AppliedDocument, fromJournalDocument } from '../../bank/journal-document.ts';
import type { Entry } from '../../bank/operations/entry.ts';
import { BankctlError } from '../../core/errors.ts';
import { count } from '../../core/text.ts';
import type { Finding } from '../finding.ts';
import { type Audited, unlessForbidden } from './audited.ts';

/** Reads every applied operation, and adds its postings to the fingerprints of their accounts. */
export async function* scanJournal(audited: Audited): AsyncGenerator<readonly Finding[]> {
  const { bank } = audited;
  if (!bank.journal) return;
  yield* unlessForbidden(audited, { collection: bank.journal.collection }, scanOperations(audited));
}

async function* scanOperations(audited: Audited): AsyncGenerator<readonly Finding[]> {
  const { bank, session, observers, checked, host } = audited;
  const scanned = new Set(
    audited.places.filter(({ isBranch }) => isBranch).map(({ name }) => name),
  );
  const batches = observers.length > 0 ? bank.journal?.all(session) : bank.scan.operations(session);
  for await (const documents of batches ?? []) {
    const findings: Finding[] = [];
    for (const document of documents) {
      const entry = readEntry(bank, document);
      if (entry instanceof BankctlError) findings.push(badEntry(document, entry));
      else addEntry(audited, scanned, entry);
    }
    checked.operations += documents.length;
    host.progress(`Reading the journal: ${count(checked.operations, 'operation')}`);
    if (findings.length > 0) yield findings;
  }
}

/** Postings of branches that the config leaves out are none of this audit's. */
function readEntry({ branches }: Audited['bank'], document: AppliedDocument) {
  try {
    return fromJournalDocument(document, branches.currencyOf);
  } catch (error) {
    if (error instanceof BankctlError) return error;
    throw error;
  }
}

function badEntry({ _id }: AppliedDocument, { code, message }: BankctlError): Finding {
  return {
    code: code === 'bad_balance' ? 'bad_balance' : 'bad_document',
    account: null,
    operation: String(_id),
    detail: message,
    cause: null,
    repair: 'Restore the document of the journal from a backup.',
  };
}

function addEntry(
  { fingerprints, observers }: Audited,
  scanned: ReadonlySet<string>,
  { id: operation, type, at, reverses, postings }: Entry,
): void {
  for (const posting of postings) {
    const { branch, account, amountMinor, balanceAfterMinor, version } = posting;
    if (!scanned.has(branch)) continue;
    const key = fingerprints.keyOf(branch, account);
    fingerprints.add(key, version, balanceAfterMinor, -1);
    fingerprints.add(key, version - 1n, posting.balanceBeforeMinor, 1);
    for (const observer of observers) {
      observer.posting({
        ...{ branch, account, operation, type, at, reverses },
        ...{ amountMinor, balanceAfterMinor, version },
      });
    }
  }
}
