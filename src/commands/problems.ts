import type { BranchBalance } from '../bank/balances.ts';
import type { Bank } from '../bank/bank.ts';
import type { Problem } from '../bank/survey.ts';
import type { BranchConfig } from '../config/config.ts';
import { Status } from '../core/errors.ts';
import { count, quote, shellWord } from '../core/text.ts';
import type { Session } from './command.ts';
import { failure, warning } from './notice.ts';

/** What a report says of a branch's collection, beside its figures. */
export interface Reported extends Partial<Pick<BranchBalance, 'readable'>> {
  readonly problems?: readonly Problem[];
}

const whoWrote = 'Find out which program wrote these documents.';

/**
 * Names on stderr what is wrong with documents of a branch's collection: as a warning what the
 * report left out and is not the bank's, as a failure what hides figures of its own.
 *
 * @returns the status that the report ends with
 */
export function tellProblems(
  session: Session,
  branch: Pick<BranchConfig, 'name' | 'collection' | 'currency'>,
  { problems = [], readable }: Reported,
  hint = whoWrote,
): Status {
  for (const problem of problems) {
    const { code } = problem;
    const facts = { branch: branch.name, ...problem };
    if (code === 'unstamped_document' || code === 'misplaced_document') {
      warning(session, code, `${foreignMessage(branch, problem)} ${query(branch)}`, facts);
    } else {
      const known = code === 'bad_balance' ? readable : undefined;
      const message = ownMessage(branch, problem, known);
      failure(session, { code, message, hint }, facts);
    }
  }
  return problems.some(hidesFigures) ? Status.refused : Status.done;
}

/** As `tellProblems`, of all branches. */
export function tellAllProblems(
  session: Session,
  bank: Pick<Bank, 'branches'>,
  rows: readonly BranchBalance[],
): Status {
  const statuses = rows.map((row) => {
    const hint = `bankctl balance ${shellWord(row.branch)} lists its accounts. ${whoWrote}`;
    return tellProblems(session, bank.branches.get(row.branch), row, hint);
  });
  return statuses.find((status) => status !== Status.done) ?? Status.done;
}

/** True for what makes a figure of the bank's own unknown, or doubtful. */
function hidesFigures({ code }: Problem): boolean {
  return code !== 'unstamped_document' && code !== 'misplaced_document';
}

type Named = Pick<BranchConfig, 'name' | 'collection' | 'currency'>;

function foreignMessage({ name, collection }: Named, problem: Problem): string {
  const { code, documents } = problem;
  const has = documents === 1 ? 'is' : 'are';
  const stamp =
    code === 'unstamped_document'
      ? `${has} without a branch's stamp`
      : `${has} stamped for another branch`;
  const what = `${count(documents, 'document')} of the collection ${collection} ${stamp}`;
  return `${name}: ${what} and left out here: ${examples(problem)}.`;
}

/** Works in any client, and names all of them. */
function query({ name, collection }: Named): string {
  const filter = `{branch: {$ne: ${JSON.stringify(name)}}}`;
  return `In mongosh, db.getCollection(${JSON.stringify(collection)}).find(${filter}) shows all.`;
}

function ownMessage(
  { name, currency }: Named,
  problem: Problem,
  readable: BranchBalance['readable'],
): string {
  const { code, documents } = problem;
  const named = examples(problem);
  switch (code) {
    case 'bad_balance': {
      const what = `${count(documents, 'balance')} ${documents === 1 ? 'is' : 'are'}`;
      const rest = readable ? ` Its total is unknown; ${others(readable)}.` : '';
      return `${name}: ${what} not an exact amount of ${currency.code}: ${named}.${rest}`;
    }
    case 'duplicate_account':
      return `${name}: ${documents} documents share account numbers: ${named}.`;
    default:
      return `${name}: ${count(documents, 'document')} with fields missing or wrong: ${named}.`;
  }
}

function others({ accounts, total }: NonNullable<BranchBalance['readable']>): string {
  if (accounts === 0) return 'there is no other account';
  return accounts === 1 ? `the other account has ${total}` : `${accounts} others have ${total}`;
}

function examples({ examples: some, more }: Problem): string {
  const named = some.map((text) => (/^[\w.:@/ -]+$/.test(text) ? text : quote(text)));
  return [...named, ...(more ? ['…'] : [])].join(', ');
}
