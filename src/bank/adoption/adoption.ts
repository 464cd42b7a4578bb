import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import { limitHeapGrowth } from '../../system/heap.ts';
import type { Bank } from '../bank.ts';
import type { BranchModel } from '../branch.ts';
import type { Journal } from '../journal.ts';
import type { BatchContext } from './batch.ts';
import { BranchRun } from './branch-run.ts';
import { findRepeatedNumbers, pagesOf } from './documents.ts';
import { guardBranch, type MissingGuard } from './guards.ts';
import { journalOutside } from './outside-writes.ts';
import { type BranchReport, BranchTally } from './tally.ts';
import {
  behindJournal,
  type IsDuplicate,
  type JudgeRules,
  judge,
  type Verdict,
} from './verdict.ts';

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
  /** Writes over fields that other programs have for themselves. */
  readonly replacesFields: boolean;
}

/** Takes over what other programs left in the collections of branches. */
export class Adoption {
  readonly #bank: Bank;
  readonly #journal: Journal;
  readonly #options: AdoptionOptions;
  readonly #host: AdoptionHost;
  readonly #branches: readonly BranchModel[];
  /** Of what is being carried out, by branch. */
  readonly #tallies = new Map<string, BranchTally>();
  readonly #runId: string;
  #operations = 0;

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
   * @throws `config_mismatch`, `bad_identity`, `capped_collection`, `collated_collection`,
   *   `foreign_documents`
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
    await this.#journal.check();
    for (const branch of this.#branches) await branch.check('options');
  }

  async #rulesOf(branch: BranchModel): Promise<JudgeRules> {
    const { replacesFields } = this.#options;
    return { isDuplicate: await this.#isDuplicate(branch), replacesFields };
  }

  #isDuplicate(branch: BranchModel): Promise<IsDuplicate> {
    const { context, progress } = this.#host;
    return findRepeatedNumbers(this.#bank, branch, {
      ...context,
      progress: (documents) => progress('counting', branch.name, documents),
    });
  }

  async #previewBranch(branch: BranchModel, tally: BranchTally): Promise<void> {
    const { context, progress } = this.#host;
    const rules = await this.#rulesOf(branch);
    const isPosted = (await this.#journal.accountsPosted(branch.name)).size > 0;
    let documents = 0;
    for await (const page of pagesOf(this.#bank, branch.legacy.page, context)) {
      const judged = page.map((document) => judge(document, branch, rules));
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
    if (this.#options.outsideWrites) await this.#compare(branch, tally, rules, true);
  }

  #postedAmong(judged: readonly Verdict[], branch: BranchModel): Promise<ReadonlySet<string>> {
    const wanted = judged.flatMap((one) => (one.verdict === 'adopt' ? [one.account] : []));
    if (wanted.length === 0) return Promise.resolve(new Set());
    return this.#journal.accountsPosted(branch.name, wanted);
  }

  async #adoptBranch(branch: BranchModel, tally: BranchTally): Promise<void> {
    const { context, progress } = this.#host;
    const rules = await this.#rulesOf(branch);
    const batch: BatchContext = {
      ...{ bank: this.#bank, journal: this.#journal, branch, ...rules },
      by: context.author,
    };
    const run = new BranchRun(batch, context, () => this.#nextOperation());
    await run.run(tally, (documents) => progress('adopting', branch.name, documents));
    if (this.#options.outsideWrites) await this.#compare(branch, tally, rules, false);
  }

  /** Ids in sequence, which the index of the journal takes faster than ids without an order. */
  #nextOperation(): string {
    this.#operations += 1;
    return `adopt:${this.#runId}:${this.#operations}`;
  }

  async #compare(
    branch: BranchModel,
    tally: BranchTally,
    rules: JudgeRules,
    dryRun: boolean,
  ): Promise<void> {
    const { context, progress } = this.#host;
    let documents = 0;
    for await (const page of pagesOf(this.#bank, branch.legacy.page, context)) {
      const known = page.filter((document) => {
        const { verdict } = judge(document, branch, rules);
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
