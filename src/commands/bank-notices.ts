import type { BranchBalance } from '../bank/balances.ts';
import type { Bank } from '../bank/bank.ts';
import type { Problem, ProblemCode } from '../bank/survey.ts';
import type { BranchConfig } from '../config/config.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { count, quote, shellWord } from '../core/text.ts';
import type { Session } from './command.ts';
import { failure, warning } from './notice.ts';

/** Says that a database holds no bank, so that nobody takes its emptiness for an answer. */
export async function warnOfNoBank(bank: Bank, session: Session): Promise<void> {
  if (!(await bank.identity.isAbsent())) return;
  warning(session, 'no_bank', noBank(bank), { database: bank.config.database });
}

/** The error, with a hint about the missing bank if something was not found in such a database. */
export async function hintAtNoBank(bank: Bank, error: unknown): Promise<unknown> {
  if (!(error instanceof BankctlError)) return error;
  if (error.code !== 'account_not_found' && error.code !== 'operation_not_found') return error;
  if (!(await bank.identity.isAbsent())) return error;
  return new BankctlError(error.code, error.message, noBank(bank), { cause: error });
}

function noBank({ config }: Bank): string {
  const what = `The database ${quote(config.database)} holds no bank yet`;
  return `${what}; bankctl init creates one there. Is the name right?`;
}

const maxNames = 5;

/** Says which branches of the database are missing from the config, and so from a report. */
export function sayLeftOut({ identity: { leftOut } }: Bank, session: Session): void {
  if (leftOut.length === 0) return;
  const names = leftOut.slice(0, maxNames).map(quote).join(', ');
  const more = leftOut.length > maxNames ? ` and ${leftOut.length - maxNames} more` : '';
  session.talk(`The config leaves out ${names}${more}, which the database has.`);
}

/** What a report says about a branch's collection, in addition to its figures. */
interface Reported extends Partial<Pick<BranchBalance, 'readable'>> {
  readonly problems?: readonly Problem[];
}

type Branch = Pick<BranchConfig, 'name' | 'collection' | 'currency'>;

/** Problems of documents that are not the bank's: a report leaves these documents out. */
const foreignStates = {
  unstamped_document: "without a branch's stamp",
  misplaced_document: 'stamped for another branch',
};

type ForeignCode = keyof typeof foreignStates;

/** Problems of the bank's own documents: they make figures unknown or doubtful. */
const ownProblems: Readonly<
  Record<Exclude<ProblemCode, ForeignCode>, (documents: number, branch: Branch) => string>
> = {
  bad_balance: (documents, { currency }) =>
    `${count(documents, 'balance')} ${are(documents)} not an exact amount of ${currency.code}`,
  bad_document: (documents) => `${count(documents, 'document')} with fields missing or wrong`,
  duplicate_account: (documents) => `${documents} documents share account numbers`,
};

function isForeign(code: ProblemCode): code is ForeignCode {
  return Object.hasOwn(foreignStates, code);
}

function are(documents: number): string {
  return documents === 1 ? 'is' : 'are';
}

const whoWrote = 'Find out which program wrote these documents.';

/**
 * Names on stderr what is wrong with documents of a branch's collection: as a warning if the
 * document is not the bank's and is left out, as a failure if it makes the bank's figures doubtful.
 *
 * @returns the status that the report ends with
 */
export function reportProblems(
  session: Session,
  branch: Branch,
  { problems = [], readable }: Reported,
  hint = whoWrote,
): Status {
  for (const problem of problems) {
    const { code, documents } = problem;
    const facts = { branch: branch.name, ...problem };
    if (isForeign(code)) {
      const what = `${count(documents, 'document')} of the collection ${branch.collection}`;
      const state = `${are(documents)} ${foreignStates[code]} and left out here`;
      const message = `${branch.name}: ${what} ${state}: ${examples(problem)}.`;
      warning(session, code, `${message} ${query(branch)}`, facts);
    } else {
      const what = ownProblems[code](documents, branch);
      const rest = code === 'bad_balance' && readable ? ` ${others(readable)}` : '';
      const message = `${branch.name}: ${what}: ${examples(problem)}.${rest}`;
      failure(session, { code, message, hint }, facts);
    }
  }
  return problems.every(({ code }) => isForeign(code)) ? Status.done : Status.refused;
}

/** As `reportProblems`, for all branches. */
export function reportAllProblems(
  session: Session,
  bank: Pick<Bank, 'branches'>,
  rows: readonly BranchBalance[],
): Status {
  const statuses = rows.map((row) => {
    const hint = `bankctl balance ${shellWord(row.branch)} lists its accounts. ${whoWrote}`;
    return reportProblems(session, bank.branches.get(row.branch), row, hint);
  });
  return statuses.find((status) => status !== Status.done) ?? Status.done;
}

/** Works in any client, and names all of the documents. */
function query({ name, collection }: Branch): string {
  const filter = `{branch: {$ne: ${JSON.stringify(name)}}}`;
  return `In mongosh, db.getCollection(${JSON.stringify(collection)}).find(${filter}) shows all.`;
}

function others({ accounts, total }: NonNullable<BranchBalance['readable']>): string {
  const one =
    accounts === 1 ? `the other account has ${total}` : `${accounts} others have ${total}`;
  return `Its total is unknown; ${accounts === 0 ? 'there is no other account' : one}.`;
}

function examples({ examples: some, more }: Problem): string {
  const named = some.map((text) => (/^[\w.:@/ -]+$/.test(text) ? text : quote(text)));
  return [...named, ...(more ? ['…'] : [])].join(', ');
}
