import type { ClientSession, Document } from 'mongodb';
import type { Bank } from '../bank.ts';
import { type AccountState, isState } from '../book.ts';
import type { BranchModel } from '../branch.ts';
import { type Chain, type ChainLink, createChain, writtenPast } from '../chain.ts';
import { balanceFromDecimal } from '../decimal.ts';
import type { Journal } from '../journal.ts';
import type { Outcome } from '../judge.ts';
import type { Operation } from '../operations/operation.ts';
import { post } from '../post.ts';
import { versionOf } from '../stored-values.ts';
import type { BranchTally } from './tally.ts';
import { type ConflictCode, judgeDocument, stateOf } from './verdict.ts';

/** Where outside writes are looked for. */
interface OutsideContext {
  readonly bank: Bank;
  readonly journal: Journal;
  readonly branch: BranchModel;
  readonly dryRun: boolean;
  /** Who asks, as `user@host`. */
  readonly by: string;
}

/** An account, and what its balance has beyond the journal. */
interface OutsideWrite {
  readonly account: string;
  readonly amountMinor: bigint;
  readonly state: AccountState;
  readonly id: unknown;
}

/** How often an account is looked at anew that another program keeps writing to. */
const maxRounds = 200;

/**
 * Journals what other programs did to these accounts of a branch: each with one posting, by which
 * the journal catches up with the balance. An account that is written to in between is looked at
 * again.
 *
 * @param documents of the branch's own accounts
 * @throws as `post`
 */
export async function journalOutside(
  context: OutsideContext,
  documents: readonly Document[],
  nextOperation: () => string,
  tally: BranchTally,
): Promise<void> {
  const found = await findOutside(context, documents, tally);
  if (context.dryRun) {
    for (const { account, amountMinor } of found) tally.addOutside(account, amountMinor);
    return;
  }
  const moved = await postOutside(context, found, nextOperation, tally, false);
  // One at a time, so that little time passes between reading and writing.
  for (const document of documents) {
    const isLeft = moved.has(document['account_number']);
    for (let round = 1, left = isLeft; left; round += 1) {
      const again = await findOutside(context, [document], undefined);
      const still = await postOutside(context, again, nextOperation, tally, round === maxRounds);
      left = still.size > 0;
    }
  }
}

/** @returns the accounts that another program wrote to in between, unless it is the last round */
async function postOutside(
  { bank, branch, by }: OutsideContext,
  found: readonly OutsideWrite[],
  nextOperation: () => string,
  tally: BranchTally,
  isLast: boolean,
): Promise<ReadonlySet<string>> {
  const moved = new Set<string>();
  if (found.length === 0) return moved;
  const byOperation = new Map(
    found.map((write) => [toOperation(write, branch, nextOperation()), write]),
  );
  for (const outcome of await post(bank, [...byOperation.keys()], { by })) {
    const write = byOperation.get(outcome.operation);
    if (!write) continue;
    if (outcome.applied) tally.addOutside(write.account, write.amountMinor);
    else if (outcome.error.code === 'account_moved' && !isLast) moved.add(write.account);
    else tally.conflicts.add(refused(write, outcome), write.id);
  }
  return moved;
}

function toOperation(write: OutsideWrite, { name }: BranchModel, id: string): Operation {
  const { account, amountMinor, state } = write;
  const { balanceMinor, version } = state;
  const cancelled = amountMinor === 0n ? ', which cancel out' : '';
  const memo = `writes of other programs${cancelled}`;
  const pinned = { balanceMinor, version };
  return { type: 'adopt', branch: name, account, amountMinor, ...pinned, id, idGiven: false, memo };
}

/**
 * Reads documents and their postings in one snapshot.
 *
 * @param tally takes the accounts about which nothing is known
 */
function findOutside(
  context: OutsideContext,
  documents: readonly Document[],
  tally: BranchTally | undefined,
): Promise<readonly OutsideWrite[]> {
  return context.bank.inSession(
    async (session) => {
      const states = await readStates(context, documents, session);
      const chains = await readChains(context, [...states.keys()], session);
      return [...states].flatMap(([account, state]): OutsideWrite[] => {
        const verdict = chains.get(account)?.end(state);
        const found = verdict && writtenPast(verdict);
        const { documentId: id } = state;
        if (typeof found === 'bigint') return [{ account, amountMinor: found, state, id }];
        if (found === 'incomplete') tally?.conflicts.add(incomplete(account), id);
        return [];
      });
    },
    { snapshot: true },
  );
}

async function readStates(
  { branch, dryRun }: OutsideContext,
  documents: readonly Document[],
  session: ClientSession,
): Promise<ReadonlyMap<string, AccountState>> {
  const states = new Map<string, AccountState>();
  const ids = documents.map(({ _id }) => _id);
  for (const document of await branch.legacy.read(ids, session)) {
    const verdict = judgeDocument(document, branch);
    // A dry run has not converted anything.
    if (verdict.verdict !== 'known' && !(dryRun && verdict.verdict === 'convert')) continue;
    const state = stateOf(document, branch, verdict.balanceMinor);
    if (isState(state)) states.set(verdict.account, state);
  }
  return states;
}

async function readChains(
  { journal, branch }: OutsideContext,
  accounts: readonly string[],
  session: ClientSession,
): Promise<ReadonlyMap<string, Chain<ChainLink>>> {
  const chains = new Map(accounts.map((account) => [account, createChain()]));
  if (accounts.length === 0) return chains;
  for await (const postings of journal.postingsOf(branch.name, accounts, session)) {
    for (const { type, postings: posting } of postings) {
      const amountMinor = balanceFromDecimal(posting.amount, branch.currency);
      const balanceAfterMinor = balanceFromDecimal(posting.balance_after, branch.currency);
      const version = versionOf(posting.version);
      // Without this posting, the chain is incomplete.
      if (amountMinor === undefined || balanceAfterMinor === undefined || !version) continue;
      chains.get(posting.account_number)?.add({ type, version, amountMinor, balanceAfterMinor });
    }
  }
  return chains;
}

function incomplete(account: string) {
  const reason = 'does not have the postings in the journal that its version counts';
  return { verdict: 'conflict', code: 'version_gap', account, reason } as const;
}

function refused({ account }: OutsideWrite, { error }: Extract<Outcome, { applied: false }>) {
  const code: ConflictCode = error.code === 'account_moved' ? 'account_moved' : 'refused_by_server';
  const reason = `could not be journalled: ${error.message.replace(/\.$/, '')}`;
  return { verdict: 'conflict', code, account, reason } as const;
}
