/** What can be wrong, as `audit` names it. */
export type FindingCode = keyof typeof findingTable;

interface FindingRow {
  /** What it means, for the reference; one line. */
  readonly meaning: string;
}

/** Every finding: a closed set, so that each has a meaning in the reference. */
export const findingTable = {
  unstamped_document: row('Documents of a branch that bankctl did not write.'),
  misplaced_document: row("A document that is stamped for another branch than its collection's."),
  bad_balance: row('A balance that is not an exact amount of the currency.'),
  bad_document: row('A document with a field that bankctl could not have written.'),
  duplicate_account: row('One account number on several documents of a collection.'),
  outside_write: row('A balance that is not what the journal says: somebody wrote past bankctl.'),
  outside_label: row('An owner or labels that are not what the journal says.'),
  version_gap: row('Postings of an account that the journal lacks, or that its document lacks.'),
  orphan_posting: row('Postings of an account that has no document.'),
  stray_collection: row('A collection of account documents that belongs to no branch.'),
  missing_index: row('A collection without an index that guards it.'),
  missing_validator: row('A collection without the validator that guards it.'),
  misplaced_write: row("Money of one branch that a write put into another's collection."),
  lost_write: row('Money of a write that reached no account.'),
  unknown_outcome: row('Rows whose outcome the log does not know.'),
} as const satisfies Readonly<Record<string, FindingRow>>;

function row(meaning: string): FindingRow {
  return { meaning };
}

/** One thing that is wrong; keys as in the JSON result. */
export interface Finding {
  readonly code: FindingCode;
  /** Null if it is not about one account. */
  readonly account: string | null;
  /** The branch, or the collection of a stray; absent if `from` and `to` say it. */
  readonly branch?: string;
  readonly from?: string;
  readonly to?: string;
  /** The operation id, if it is about a document of the journal; of a trace, the call's id. */
  readonly operation?: string;
  /** An amount of `currency`; of `outside_write` what the balance has beyond the journal. */
  readonly amount?: string;
  readonly currency?: string;
  /** Only for what a source of intentions tells: whether there is no other explanation. */
  readonly certain?: boolean;
  /** If there is more than one: how many, see docs/legacy.md. */
  readonly explanations?: number;
  /** Only of a trace: the line of the log, from 1. */
  readonly line?: number;
  /**
   * Only of a trace: all that can have become of the call. The names of branches and strays in
   * which its write may be; `lost` if it may have changed nothing; `unseen` if its write may be
   * where the server's history does not reach.
   */
  readonly fates?: readonly string[];
  /** How many documents it is about, if it sums them up. */
  readonly documents?: number;
  /** One sentence for people. */
  readonly detail: string;
  /** How it came about, as far as the journal tells; null if it does not. */
  readonly cause: string | null;
  /** What mends it, as a command or a sentence; null if nothing here does. */
  readonly repair: string | null;
}
