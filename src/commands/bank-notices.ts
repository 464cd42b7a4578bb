import type { BranchBalance } from '../bank/balances.ts';
import type { Bank } from '../bank/bank.ts';
import { auditHint, takeOver } from '../bank/next-step.ts';
import { type AccountReference, referenceKey } from '../bank/operations/names.ts';
import type { Problem, ProblemCode } from '../bank/survey.ts';
import type { BranchConfig } from '../config/config.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { count, quote, shellWord, visible } from '../core/text.ts';
import type { Session, Typed } from './command.ts';
import { failure } from './notice.ts';

/** Says that a database holds no bank, so that nobody takes its emptiness for an answer. */
export async function warnOfNoBank(bank: Bank, session: Session): Promise<void> {
  if (!(await bank.identity.isAbsent())) return;
  session.say('no_bank', noBank(bank), { database: bank.config.database });
}

/**
 * The error, with a hint about where to look if something was not found: at another database if
 * this one holds no bank, or in the branch that has the account.
 *
 * @param asked the accounts that the command named
 */
export async function hintAtPlace(
  session: Session,
  bank: Bank,
  error: unknown,
  asked: readonly AccountReference[] = [],
): Promise<unknown> {
  if (!(error instanceof BankctlError)) return error;
  if (error.code !== 'account_not_found' && error.code !== 'operation_not_found') return error;
  const hint = (await bank.identity.isAbsent())
    ? noBank(bank)
    : await whereAccount(session, bank, asked, error.hint).catch(() => undefined);
  return hint === undefined
    ? error
    : new BankctlError(error.code, error.message, hint, { cause: error });
}

/** Says where an account is that was not found, or which one may have been meant. */
async function whereAccount(
  session: Session,
  bank: Bank,
  asked: readonly AccountReference[],
  otherwise: string,
): Promise<string | undefined> {
  const elsewhere = await otherBranch(session, bank, asked);
  return elsewhere ?? otherNumber(session, bank, asked, otherwise);
}

const maxNearNumbers = 3;

/** Says which account of the branch has nearly that number; with several, none is suggested. */
async function otherNumber(
  session: Session,
  bank: Bank,
  asked: readonly AccountReference[],
  otherwise: string,
): Promise<string | undefined> {
  const { accountNumbersNear } = await import('../bank/index.ts');
  for (const reference of asked) {
    const { branch, account } = reference;
    if ((await bank.branches.get(branch).find([account])).length > 0) continue;
    const near = (await accountNumbersNear(bank, branch, account)).filter((number) =>
      asked.every((other) => referenceKey(other) !== referenceKey({ branch, account: number })),
    );
    const [first] = near;
    if (first === undefined) continue;
    const shown = near.slice(0, maxNearNumbers).map(quote).join(', ');
    const more = near.length > maxNearNumbers ? ' and others' : '';
    if (near.length > 1) return `${branch} has ${shown}${more}. ${otherwise}`;
    const found = { branch, account: first };
    const line = session.lineWith((args) => withReference(args, reference, found));
    return `${branch} has ${quote(first)}. Did you mean ${line}?`;
  }
  return undefined;
}

/** Says which branches have an account that the one named has not. */
async function otherBranch(
  session: Session,
  { branches }: Bank,
  asked: readonly AccountReference[],
): Promise<string | undefined> {
  for (const reference of asked) {
    const { branch, account } = reference;
    if ((await branches.get(branch).find([account])).length > 0) continue;
    const having: string[] = [];
    for (const other of branches) {
      if ((await other.read([account])).length > 0) having.push(other.name);
    }
    const [first, second] = having;
    if (first === undefined) continue;
    const found = { branch: first, account };
    const where = `${visible(account)} is in ${having.join(' and ')}`;
    const isOtherSide = asked.some((it) => referenceKey(it) === referenceKey(found));
    if (second !== undefined || isOtherSide) {
      const word = account.startsWith('-') ? `-- ${shellWord(account)}` : shellWord(account);
      return `${where}; see bankctl accounts ${word}.`;
    }
    const line = session.lineWith((args) => withReference(args, reference, found));
    return `${where}. Did you mean ${line}?`;
  }
  return undefined;
}

/** The arguments with another account, in one word or two as it was typed. */
function withReference(
  args: Typed['args'],
  asked: AccountReference,
  other: AccountReference,
): Typed['args'] {
  const words = args.map((word = '') => word.normalize('NFC'));
  const joined = words.indexOf(referenceKey(asked));
  if (joined >= 0) return words.with(joined, referenceKey(other));
  const at = words.findIndex(
    (word, index) => word === asked.branch && words[index + 1] === asked.account,
  );
  return at < 0 ? words : words.with(at, other.branch).with(at + 1, other.account);
}

function noBank({ config }: Bank): string {
  const what = `The database ${quote(config.database)} holds no bank yet`;
  return `${what}; bankctl init creates one there. Is the name right?`;
}

const maxNames = 5;

/** Says which branches of the database are missing from the config, and so from a report. */
export async function sayLeftOut({ identity }: Bank, session: Session): Promise<void> {
  const { leftOut } = identity;
  if (leftOut.length === 0) return;
  const message = `The config leaves out ${listNames(leftOut)}, which the database has.`;
  const unused = await identity.unused();
  const them = unused.length === leftOut.length ? 'them' : listNames(unused);
  const hint = `Nothing ever was in ${them}: bankctl init makes the database forget ${them}.`;
  session.talk('left_out', message, { branches: leftOut, ...(unused.length > 0 && { hint }) });
}

/** Branches by name, as in a sentence. */
export function listNames(names: readonly string[]): string {
  const more = names.length > maxNames ? ` and ${names.length - maxNames} more` : '';
  return `${names.slice(0, maxNames).map(quote).join(', ')}${more}`;
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

/** What to type next about a problem. */
function hintFor(code: ProblemCode, { name }: Branch): string {
  return code === 'unstamped_document' || code === 'bad_balance'
    ? takeOver(name)
    : `${auditHint(name)}.`;
}

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
  listHint = '',
): Status {
  for (const problem of problems) {
    const { code, documents } = problem;
    const facts = { branch: branch.name, ...problem };
    const hint = hintFor(code, branch);
    if (isForeign(code)) {
      const what = `${count(documents, 'document')} of the collection ${branch.collection}`;
      const state = `${are(documents)} ${foreignStates[code]} and left out here`;
      const message = `${branch.name}: ${what} ${state}: ${examples(problem)}.`;
      session.say(code, message, { hint, ...facts });
    } else {
      const what = ownProblems[code](documents, branch);
      const rest = code === 'bad_balance' && readable ? ` ${others(readable)}` : '';
      const message = `${branch.name}: ${what}: ${examples(problem)}.${rest}`;
      failure(session, { code, message, hint: `${listHint}${hint}` }, facts);
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
    const listHint = `bankctl balance ${shellWord(row.branch)} lists its accounts. `;
    return reportProblems(session, bank.branches.get(row.branch), row, listHint);
  });
  return statuses.find((status) => status !== Status.done) ?? Status.done;
}

/** The branch, and how many documents of its collection a report leaves out. */
interface LeftOut extends Pick<BranchBalance, 'branch'> {
  readonly documents: number;
}

/** The branches of which a report leaves out documents that are not the bank's. */
function leftOutOf(rows: readonly Pick<BranchBalance, 'branch' | 'problems'>[]) {
  return rows.flatMap(({ branch, problems = [] }): LeftOut[] => {
    const foreign = problems.filter(({ code }) => isForeign(code));
    const documents = foreign.reduce((sum, problem) => sum + problem.documents, 0);
    return documents > 0 ? [{ branch, documents }] : [];
  });
}

/**
 * A line under a table, for whoever reads only the table: its figures are not about all that is
 * there.
 */
export function leftOutNotes(
  rows: readonly Pick<BranchBalance, 'branch' | 'problems'>[],
): readonly string[] {
  const leftOut = leftOutOf(rows);
  if (leftOut.length === 0) return [];
  const named = leftOut
    .slice(0, maxNames)
    .map(({ branch, documents }) => `${count(documents, 'document')} of ${branch}`);
  const more = leftOut.length > maxNames ? `, and of ${leftOut.length - maxNames} more` : '';
  return [`Left out: ${named.join(', ')}${more}. bankctl audit says what they are.`];
}

/** For each currency, how many documents its total leaves out; undefined if none does. */
export function leftOutCounts(
  rows: readonly BranchBalance[],
): Readonly<Record<string, number>> | undefined {
  const currencies = new Map(rows.map(({ branch, currency }) => [branch, currency]));
  const counts: Record<string, number> = {};
  for (const { branch, documents } of leftOutOf(rows)) {
    const currency = currencies.get(branch) ?? '';
    counts[currency] = (counts[currency] ?? 0) + documents;
  }
  return Object.keys(counts).length > 0 ? counts : undefined;
}

function others({ accounts, total }: NonNullable<BranchBalance['readable']>): string {
  const one =
    accounts === 1 ? `the other account has ${total}` : `${accounts} others have ${total}`;
  return `Its total is unknown; ${accounts === 0 ? 'there is no other account' : one}.`;
}

function examples({ examples: some, more }: Problem): string {
  // White space around a number is easily missed, and the reason why it is not found.
  const named = some.map((text) => (/^(?! )[\w.:@/ -]+(?<! )$/.test(text) ? text : quote(text)));
  return [...named, ...(more ? ['…'] : [])].join(', ');
}
