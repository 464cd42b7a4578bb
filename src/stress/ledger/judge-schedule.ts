/** What can be wrong with the end of a schedule; named as in a ledger's history. */
export type ScheduleAnomaly =
  | 'lost'
  | 'duplicate'
  | 'phantom'
  | 'torn'
  | 'wrong_total'
  | 'negative'
  | 'drift'
  | 'gap';

/** What the database has of a schedule's two accounts; the first of a pair is branch1's. */
export interface ScheduleEnd {
  readonly accounts: readonly { readonly balanceMinor: bigint; readonly version: bigint }[];
  readonly journal: readonly {
    readonly id: string;
    readonly legs: readonly { readonly amountMinor: bigint; readonly version: bigint }[];
  }[];
}

/** What a worker was told of its transfer; undefined where it was told nothing. */
export type Told =
  | { readonly applied: boolean; readonly operation: { readonly id: string } }
  | undefined;

/**
 * Judges how a schedule ended. Pure.
 *
 * @param startMinor what each of the two accounts began with, at version 1
 * @returns each anomaly once; none for a sound end
 */
export function judgeSchedule(
  { accounts, journal }: ScheduleEnd,
  told: readonly Told[],
  startMinor: bigint,
): readonly ScheduleAnomaly[] {
  const found = new Set<ScheduleAnomaly>();
  const applied = new Set(told.flatMap((one) => (one?.applied ? [one.operation.id] : [])));
  const posted = journal.map(({ id }) => id);
  for (const id of applied) if (!posted.includes(id)) found.add('lost');
  for (const id of posted) if (!applied.has(id)) found.add('phantom');
  if (new Set(posted).size !== posted.length) found.add('duplicate');
  for (const { legs } of journal) {
    if (legs.reduce((sum, { amountMinor }) => sum + amountMinor, 0n) !== 0n) found.add('torn');
  }
  const total = accounts.reduce((sum, { balanceMinor }) => sum + balanceMinor, 0n);
  if (total !== startMinor * BigInt(accounts.length)) found.add('wrong_total');
  for (const [index, { balanceMinor, version }] of accounts.entries()) {
    const legs = journal.map((entry) => entry.legs[index]);
    const sum = legs.reduce((so, leg) => so + (leg?.amountMinor ?? 0n), startMinor);
    if (balanceMinor !== sum) found.add('drift');
    if (balanceMinor < 0n) found.add('negative');
    const versions = legs.map((leg) => Number(leg?.version ?? 0n)).sort((a, b) => a - b);
    const expected = versions.map((_, position) => position + 2);
    if (versions.join() !== expected.join() || Number(version) !== versions.length + 1) {
      found.add('gap');
    }
  }
  return [...found];
}
