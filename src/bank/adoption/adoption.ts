import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import {
  isAboutDocument,
  isConflict,
  isDuplicate,
  isTooLarge,
} from '../../database/driver-errors.ts';
import { retryThroughOutages } from '../../database/outage-retries.ts';
import { limitHeapGrowth } from '../../system/heap.ts';
import type { Bank } from '../bank.ts';
import type { BranchModel } from '../branch.ts';
import { runWithin } from '../deadline.ts';
import type { Journal } from '../journal.ts';
import { adoptBatch, type BatchContext, type Candidate } from './batch.ts';
import { findDuplicates, pagesOf } from './documents.ts';
import { guardBranch, type MissingGuard } from './guards.ts';
import { journalOutside } from './outside-writes.ts';
import { type BranchReport, BranchTally } from './tally.ts';
import { behindJournal, type IsDuplicate, judge, type Verdict } from './verdict.ts';

/** What an adoption needs from its caller. */
interface AdoptionHost {
  readonly context: Pick<Context, 'monotonicNs' | 'interrupted' | 'author' | 'freshId'>;
  /** Called as documents are read or written. */
  readonly progress: (doing: Doing, branch: string, documents: number) => void;
}

/** The three steps of an adoption. */
type Doing = 'counting' | 'adopting' | 'comparing';

/** What an adoption did. */
export interface AdoptionResult {
  readonly branches: readonly BranchReport[];
  /** What the collections lack, and why. */
  readonly missing: readonly MissingGuard[];
  /** True if it was stopped before the end, after some of it was done. */
  readonly isInterrupted: boolean;
}

/** How branches are adopted. */
export interface AdoptionOptions {
  readonly branches: readonly string[];
  /** Journals also what other programs did to accounts that bankctl knows. */
  readonly outsideWrites: boolean;
}

/** The largest batch; a transaction of this size ends within a fraction of a second. */
const maxBatchSize = 1000;

/** A batch that conflicts takes its time in vain, so sizes fall faster than they rise. */
const shrinkage = 4;
const growth = 1.5;

/** Takes over what other programs left in the collections of branches. */
export class Adoption {
  readonly #bank: Bank;
  readonly #journal: Journal;
  readonly #options: AdoptionOptions;
  readonly #host: AdoptionHost;
  readonly #branches: readonly BranchModel[];
  readonly #duplicates = new Map<string, IsDuplicate>();
  /** Of what is being carried out, by branch. */
  readonly #tallies = new Map<string, BranchTally>();
  readonly #runId: string;
  #operations = 0;
  #batchSize = maxBatchSize;
  #asksJournal = false;

  /** @throws `journal_disabled`, `unknown_branch` */
  constructor(bank: Bank, options: AdoptionOptions, host: AdoptionHost) {
    const { journal } = bank;
    if (!journal) {
      throw new BankctlError(
        'journal_disabled',
        'Without a journal, nothing can be adopted: it records what every account began with.',
      );
    }
    this.#bank = bank;
    this.#journal = journal;
    this.#options = options;
    this.#host = host;
    this.#runId = host.context.freshId();
    this.#branches = options.branches.map((name) => bank.branches.get(name));
  }

  /**
   * What carrying it out would do, if nothing changed in between; writes nothing.
   *
   * @throws `config_mismatch`, `bad_identity`, `capped_collection`
   */
  async preview(): Promise<readonly BranchReport[]> {
    await this.#check();
    const reports: BranchReport[] = [];
    for (const branch of this.#branches) {
      const tally = new BranchTally(branch);
      await this.#previewBranch(branch, tally);
      reports.push(tally.report());
    }
    return reports;
  }

  /** How many documents were certainly changed by now. */
  changed(): number {
    return [...this.#tallies.values()].reduce((sum, { changed }) => sum + changed, 0);
  }

  /**
   * Adopts the branches, one after the other.
   *
   * @throws as `preview`; whatever ends it, with what was done by then in `changed`
   */
  async carryOut(): Promise<AdoptionResult> {
    const missing: MissingGuard[] = [];
    const { interrupted } = this.#host.context;
    try {
      limitHeapGrowth();
      await this.#check();
      await this.#bank.identity.prepare();
      await this.#journal.prepare();
      for (const branch of this.#branches) {
        const tally = new BranchTally(branch);
        this.#tallies.set(branch.name, tally);
        await this.#adoptBranch(branch, tally);
        missing.push(...(await guardBranch(this.#bank, branch, this.#host.context)));
      }
      await this.#bank.identity.claim();
      return { branches: this.#reports(), missing, isInterrupted: false };
    } catch (error) {
      const isWorthTelling = this.changed() > 0;
      if (!interrupted.aborted || !isWorthTelling) throw error;
      return { branches: this.#reports(), missing, isInterrupted: true };
    }
  }

  #reports(): readonly BranchReport[] {
    return [...this.#tallies.values()].map((tally) => tally.report());
  }

  async #check(): Promise<void> {
    await this.#bank.identity.checkClaim();
    await this.#journal.check('capped');
    for (const branch of this.#branches) await branch.check('capped');
  }

  async #isDuplicate(branch: BranchModel): Promise<IsDuplicate> {
    const { context, progress } = this.#host;
    const known = this.#duplicates.get(branch.name);
    if (known) return known;
    const found = await findDuplicates(this.#bank, branch, {
      ...context,
      progress: (documents) => progress('counting', branch.name, documents),
    });
    this.#duplicates.set(branch.name, found);
    return found;
  }

  async #previewBranch(branch: BranchModel, tally: BranchTally): Promise<void> {
    const { context, progress } = this.#host;
    const isTwice = await this.#isDuplicate(branch);
    const isPosted = (await this.#journal.accountsPosted(branch.name)).size > 0;
    let documents = 0;
    for await (const page of pagesOf(this.#bank, branch.legacy.page, context)) {
      const judged = page.map((document) => judge(document, branch, isTwice));
      const posted = isPosted ? await this.#postedAmong(judged, branch) : undefined;
      for (const [index, verdict] of judged.entries()) {
        const { account } = verdict;
        const isBehind =
          verdict.verdict === 'adopt' && account !== undefined && posted?.has(account);
        tally.add(isBehind ? behindJournal(verdict.account) : verdict, page[index]?.['_id']);
      }
      documents += page.length;
      progress('adopting', branch.name, documents);
    }
    if (this.#options.outsideWrites) await this.#compare(branch, tally, isTwice, true);
  }

  #postedAmong(judged: readonly Verdict[], branch: BranchModel): Promise<ReadonlySet<string>> {
    const wanted = judged.flatMap((one) => (one.verdict === 'adopt' ? [one.account] : []));
    if (wanted.length === 0) return Promise.resolve(new Set());
    return this.#journal.accountsPosted(branch.name, wanted);
  }

  async #adoptBranch(branch: BranchModel, tally: BranchTally): Promise<void> {
    const { context, progress } = this.#host;
    const isTwice = await this.#isDuplicate(branch);
    const batch: BatchContext = {
      ...{ bank: this.#bank, journal: this.#journal, branch, isDuplicate: isTwice },
      by: context.author,
    };
    const waiting: Candidate[] = [];
    let documents = 0;
    for await (const page of pagesOf(this.#bank, branch.legacy.page, context)) {
      for (const document of page) {
        const { _id: id } = document;
        const verdict = judge(document, branch, isTwice);
        const isDone = verdict.verdict === 'known' || verdict.verdict === 'conflict';
        if (isDone) tally.add(verdict, id);
        else waiting.push({ id, operation: this.#nextOperation() });
      }
      if (waiting.length >= maxBatchSize) await this.#settle(batch, waiting, tally);
      documents += page.length;
      progress('adopting', branch.name, documents);
    }
    await this.#settle(batch, waiting, tally);
    this.#duplicates.delete(branch.name);
    if (this.#options.outsideWrites) await this.#compare(branch, tally, isTwice, false);
  }

  /** Ids in sequence, which the index of the journal takes faster than ids without an order. */
  #nextOperation(): string {
    this.#operations += 1;
    return `adopt:${this.#runId}:${this.#operations}`;
  }

  /**
   * Adopts documents batch by batch, and counts what became of them. When the server refuses a
   * batch, or other programs write to its documents meanwhile, smaller ones follow; when they
   * succeed, they grow again.
   */
  async #settle(batch: BatchContext, waiting: Candidate[], tally: BranchTally): Promise<void> {
    while (waiting.length > 0) {
      const candidates = waiting.slice(0, this.#batchSize);
      try {
        const settled = await this.#adoptOnce(batch, candidates);
        for (const { id, verdict } of settled) tally.add(verdict, id);
        waiting.splice(0, candidates.length);
        this.#batchSize = Math.min(Math.ceil(this.#batchSize * growth), maxBatchSize);
      } catch (error) {
        const refused = await this.#shrink(error, candidates);
        if (refused) tally.add(refused, waiting.shift()?.id);
      }
    }
  }

  /** An attempt that may have been applied is repeated, until the server says whether it was. */
  async #adoptOnce(batch: BatchContext, candidates: readonly Candidate[]) {
    const asksJournal = this.#asksJournal;
    let unknown: unknown;
    try {
      return await retryThroughOutages(this.#bank.timeoutMs, this.#host.context, (isRetry) =>
        adoptBatch(batch, candidates, { isRetry, asksJournal }).catch((error: unknown) => {
          if (codeOf(error) === 'outcome_unknown') unknown ??= error;
          const isLate = codeOf(error) === 'timed_out' && !isRetry;
          throw isLate || isConflict(error) ? new BatchInVain('', { cause: error }) : error;
        }),
      );
    } catch (error) {
      throw unknown ?? error;
    }
  }

  /**
   * Makes batches smaller after a failed one, if that may help.
   *
   * @returns why the only document of the batch is refused; undefined if it is to be tried again
   */
  async #shrink(error: unknown, candidates: readonly Candidate[]): Promise<Verdict | undefined> {
    const isInVain = error instanceof BatchInVain;
    const cause = isInVain ? error.cause : error;
    // The rival may be the transaction of a client that is gone.
    if (isInVain) await this.#bank.endAbandoned();
    if (isDuplicate(error) && !this.#asksJournal) this.#asksJournal = true;
    else if (candidates.length === 1) {
      if (isAboutDocument(cause) && !isConflict(cause)) return refusedByServer(cause);
      throw cause;
    } else if (codeOf(cause) === 'timed_out') await this.#checkAnswers(cause);
    else if (!isAboutDocument(cause) && !isTooLarge(cause)) throw cause;
    this.#batchSize = Math.ceil(candidates.length / shrinkage);
    return undefined;
  }

  /** @throws the error of a batch that took too long, unless the server has time for smaller ones */
  async #checkAnswers(error: unknown): Promise<void> {
    const { timeoutMs, serverTime } = this.#bank;
    try {
      await runWithin(Math.min(timeoutMs, maxAnswerMs), serverTime);
    } catch {
      throw error;
    }
  }

  async #compare(
    branch: BranchModel,
    tally: BranchTally,
    isTwice: IsDuplicate,
    dryRun: boolean,
  ): Promise<void> {
    const { context, progress } = this.#host;
    let documents = 0;
    for await (const page of pagesOf(this.#bank, branch.legacy.page, context)) {
      const known = page.filter((document) => {
        const { verdict } = judge(document, branch, isTwice);
        return verdict === 'known' || verdict === 'convert';
      });
      await journalOutside(
        { bank: this.#bank, journal: this.#journal, branch, dryRun, by: context.author },
        known,
        () => this.#nextOperation(),
        tally,
      );
      documents += page.length;
      progress('comparing', branch.name, documents);
    }
  }
}

/** A server that takes longer than this to tell its time is too slow for any batch. */
const maxAnswerMs = 1_000;

/** A batch that was late, or met others time and again: all of it is not to be tried again. */
class BatchInVain extends Error {}

function codeOf(error: unknown): string | undefined {
  return error instanceof BankctlError ? error.code : undefined;
}

function refusedByServer(error: unknown): Verdict {
  const said = error instanceof Error ? error.message : String(error);
  const reason = `is not taken by the server: ${said}`;
  return { verdict: 'conflict', code: 'refused_by_server', account: undefined, reason };
}
