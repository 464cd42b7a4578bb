import type { Document } from 'mongodb';
import { readAccount } from '../../bank/account.ts';
import { type Conflict, judgeDocument } from '../../bank/adoption/verdict.ts';
import { isLegacyAccount, type LegacyProblem, readLegacy } from '../../bank/legacy-document.ts';
import { type PlainAccount, plainAccounts } from '../../bank/plain-documents.ts';
import type { BranchConfig } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import { formatAmount } from '../../core/money.ts';
import { count, quote, shellWord } from '../../core/text.ts';
import type { Finding } from '../finding.ts';
import type { Place, SeenAccount } from '../observer.ts';
import { type Audited, partOf, unlessForbidden } from './audited.ts';
import { addProfile, addStoredProfile } from './profile-scan.ts';
import { foreignSummary, type Summary, unusableSummary } from './summaries.ts';

/** Finds what is wrong with documents by themselves, in one pass over every place. */
export async function* scanDocuments(audited: Audited): AsyncGenerator<readonly Finding[]> {
  for (const place of audited.places) {
    yield* unlessForbidden(audited, partOf(place), scanPlace(audited, place));
  }
}

async function* scanPlace(audited: Audited, place: Place): AsyncGenerator<readonly Finding[]> {
  const { bank, checked, host } = audited;
  const seen: SeenPlace = {
    place,
    foreign: emptySummary(),
    unusable: emptySummary(),
    hasOtherForms: false,
  };
  const readPlain = place.branch && plainAccounts(place.branch);
  let documents = 0;
  for await (const batch of bank.scan.accounts(place.collection, audited.sessionOf(place))) {
    const findings: Finding[] = [];
    for (const bytes of batch) {
      const plain = readPlain?.(bytes);
      if (plain) {
        addPlain(audited, place, plain);
        continue;
      }
      const finding = scanDocument(audited, seen, bank.scan.decode(bytes));
      if (finding) findings.push(finding);
    }
    documents += batch.length;
    checked.accounts += batch.length;
    host.progress(`Reading ${place.name}: ${count(documents, 'document')}`);
    if (findings.length > 0) yield findings;
  }
  checked.accounts -= seen.unusable.documents;
  yield [...foreignSummary(place, seen.foreign), ...unusableSummary(place, seen.unusable)];
  yield* findRepeated(audited, seen);
}

/** What has been seen of a place, besides what is reported document by document. */
interface SeenPlace {
  readonly place: Place;
  /** Accounts without the stamp of the branch. */
  readonly foreign: Summary;
  /** Documents that are no accounts. */
  readonly unusable: Summary;
  /** Whether a number is stored in a form that the unique index takes for another number. */
  hasOtherForms: boolean;
}

function addPlain(
  audited: Audited,
  place: Place,
  { account, version, balanceMinor, isClosed, profile }: PlainAccount,
): void {
  const { fingerprints, observers } = audited;
  if (profile) addProfile(audited, { branch: place.name, account }, profile, 1);
  fingerprints.add(fingerprints.keyOf(place.name, account), version, balanceMinor, 1);
  if (observers.length === 0) return;
  const state = { balanceMinor: BigInt(balanceMinor), version: BigInt(version), isClosed };
  observe(audited, { place, account, ...state });
}

function emptySummary(): Summary {
  return { documents: 0, examples: [], totalMinor: 0n };
}

function scanDocument(audited: Audited, seen: SeenPlace, document: Document): Finding | undefined {
  const { branch, name } = seen.place;
  const stamp: unknown = document['branch'];
  if (!branch || stamp !== name) return scanForeign(audited, seen, document);
  const number: unknown = document['account_number'];
  const state = readAccount(document, branch);
  const isNamed = typeof number === 'string' && number !== '';
  if (isNamed && number !== number.normalize('NFC').trim()) seen.hasOtherForms = true;
  if (!(state instanceof BankctlError) && isNamed) {
    const { fingerprints } = audited;
    fingerprints.add(fingerprints.keyOf(name, number), state.version, state.balanceMinor, 1);
    const isClosed = state.status === 'closed';
    observe(audited, { ...state, place: seen.place, account: number, isClosed });
    addStoredProfile(audited, { branch: name, account: number }, document);
    return undefined;
  }
  const { verdict } = judgeDocument(document, audited.bank.branches.get(name));
  if (verdict === 'adopt') return scanForeign(audited, seen, document);
  if (isNamed) observe(audited, { place: seen.place, account: number, ...unread });
  const problem = state instanceof BankctlError ? state : undefined;
  return {
    code: problem?.code === 'bad_balance' ? 'bad_balance' : 'bad_document',
    account: isNamed ? number : null,
    branch: name,
    detail: isNamed
      ? (problem?.message ?? '')
      : `The document with _id ${String(document['_id'])} of ${name} has no valid account_number.`,
    cause: null,
    repair:
      verdict === 'convert'
        ? `bankctl adopt ${shellWord(name)} puts it into the form that bankctl writes.`
        : 'Find out which program wrote it, and correct the document by hand.',
  };
}

const unread = { balanceMinor: undefined, version: undefined, isClosed: false };

function observe({ observers }: Audited, seen: SeenAccount): void {
  for (const observer of observers) observer.account(seen);
}

/** A currency for documents whose amounts mean nothing without one. */
const noDigits = { code: '', digits: 0 };

function scanForeign(audited: Audited, seen: SeenPlace, document: Document): Finding | undefined {
  const { place } = seen;
  const { currency } = place;
  const named = readLegacy(
    { account_number: document['account_number'] },
    { currency: currency ?? noDigits },
  );
  if (!isLegacyAccount(named)) {
    note(seen.unusable, `_id ${String(document['_id'])}`, 0n);
    return undefined;
  }
  const { account } = named;
  if (document['account_number'] !== account) seen.hasOtherForms = true;
  const read = currency && readLegacy(document, { currency });
  const balanceMinor = read && isLegacyAccount(read) ? read.balanceMinor : undefined;
  observe(audited, { ...unread, place, account, balanceMinor });
  const verdict =
    place.branch && judgeDocument(document, audited.bank.branches.get(place.branch.name));
  const conflict = verdict?.verdict === 'conflict' ? verdict : undefined;
  if (place.branch && conflict?.code === 'misplaced_document') {
    return misplaced(place.branch, document, account, balanceMinor);
  }
  note(seen.foreign, account, balanceMinor ?? 0n);
  if (conflict) return unadoptable(place, account, conflict);
  return read && !isLegacyAccount(read) ? unadoptable(place, account, read) : undefined;
}

function note(summary: Summary, example: string, minor: bigint): void {
  summary.documents += 1;
  summary.totalMinor += minor;
  if (summary.examples.length < maxExamples) summary.examples.push(example);
}

const maxExamples = 5;

function misplaced(
  branch: BranchConfig,
  document: Document,
  account: string,
  balanceMinor: bigint | undefined,
): Finding {
  const { name, currency } = branch;
  const stamp = String(document['branch']);
  const amount = balanceMinor === undefined ? undefined : formatAmount(balanceMinor, currency);
  const holding = amount === undefined ? '' : `, with ${amount} ${currency.code}`;
  return {
    code: 'misplaced_document',
    account,
    from: stamp,
    to: name,
    ...(amount === undefined ? {} : { amount, currency: currency.code }),
    detail: `A document of ${account} that is stamped for ${quote(stamp)} is in ${name}${holding}.`,
    cause: null,
    repair: `Find out which program put it there, and move or delete the document by hand.`,
  };
}

/** What `adopt` leaves alone, or would if the collection were a branch's. */
function unadoptable(place: Place, account: string, problem: LegacyProblem | Conflict): Finding {
  const isBalance =
    'field' in problem || problem.code === 'bad_balance' || problem.code === 'balance_limit';
  const { reason } = problem;
  return {
    code: isBalance ? 'bad_balance' : 'bad_document',
    account,
    branch: place.name,
    detail: `A document of ${place.name}:${account} ${reason}.`,
    cause: null,
    repair: repairOf(place, 'code' in problem && problem.code === 'field_taken'),
  };
}

function repairOf({ name, isBranch }: Place, isFieldTaken: boolean): string {
  if (!isBranch) return 'Correct the document by hand.';
  const adopt = `bankctl adopt ${shellWord(name)}`;
  return isFieldTaken
    ? `${adopt} --replace-fields takes the field over; its old value stays in the journal.`
    : `Correct the document by hand, then run ${adopt}.`;
}

/** Only where no unique index makes it impossible. */
async function* findRepeated(
  audited: Audited,
  { place, hasOtherForms }: SeenPlace,
): AsyncGenerator<readonly Finding[]> {
  const { bank, repeated, host } = audited;
  const session = audited.sessionOf(place);
  if (!hasOtherForms && (await bank.scan.hasUniqueNumbers(place.collection))) return;
  host.progress(`Looking for account numbers that occur twice in ${place.name}`);
  for await (const batch of bank.scan.repeatedNumbers(place.collection, session)) {
    repeated.add(place.collection);
    yield batch.map(({ account, documents }) => ({
      code: 'duplicate_account',
      account,
      branch: place.name,
      documents,
      detail: `${documents} documents of ${place.name} have the account number ${account}.`,
      cause: null,
      repair: 'Find out which program wrote them, keep one, and give the others another number.',
    }));
  }
}
