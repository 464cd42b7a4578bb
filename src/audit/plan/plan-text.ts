import type { BranchConfig } from '../../config/config.ts';
import { formatAmount } from '../../core/money.ts';
import { jsonText, visible } from '../../core/text.ts';
import type { Correction, CorrectionLeg } from '../correction.ts';

/** What the head of a plan says. */
export interface PlanHead {
  readonly database: string;
  readonly databaseId: string;
  /** When the plan was made, milliseconds since 1970. */
  readonly madeMs: number;
  /** Who made it, as `user@host`. */
  readonly by: string;
  /** Begins the id of every entry; never used before. */
  readonly idPrefix: string;
}

/** The branch as the config states it. */
type BranchOf = (name: string) => BranchConfig;

/** A memo has at most 500 characters. */
const maxWhyLength = 500;

/** The text of a plan: its head, then each entry. One that would change nothing is left out. */
export function* planText(
  head: PlanHead,
  corrections: Iterable<Correction>,
  branchOf: BranchOf,
): Iterable<string> {
  yield headText(head);
  let number = 0;
  for (const correction of corrections) {
    if (!changesAnything(correction)) continue;
    number += 1;
    yield entryText(correction, `${head.idPrefix}-${number}`, branchOf);
  }
}

/** False for a correction whose every amount is zero. */
export function changesAnything({ legs }: Correction): boolean {
  return legs.some(isChange);
}

function isChange({ amountMinor }: CorrectionLeg): boolean {
  return amountMinor !== 0n;
}

function headText({ database, databaseId, madeMs, by }: PlanHead): string {
  return `\
# A plan of bankctl: what would mend the damage that an audit found.
#
# Review each entry. Delete the entries that you do not want carried out, each from its "- id" to
# the next one; leave the rest as it is. Then:
#
#     bankctl repair FILE --dry-run     shows what it would do
#     bankctl repair FILE               shows it, asks, and does it
#
# Each change adds its amount to a balance. An entry is carried out as a whole, once, and only if
# its accounts still have the balance and the version that are written here. "outside" is what
# another program added to the balance; it is journalled first. "why" becomes the memo.

plan: 1
database: ${jsonText(database)}
database_id: ${jsonText(databaseId)}
made: ${jsonText(new Date(madeMs).toISOString())}
by: ${jsonText(by)}
repairs:
`;
}

function entryText(
  { findings, account, why, legs }: Correction,
  id: string,
  branchOf: BranchOf,
): string {
  const memo = [...visible(why.normalize('NFC'))].slice(0, maxWhyLength).join('');
  return `
  - id: ${jsonText(id)}
    findings: [${findings.map((code) => jsonText(code)).join(', ')}]
    account: ${jsonText(account)}
    why: ${jsonText(memo)}
    changes:
${legs
  .filter(isChange)
  .map((leg) => changeText(leg, branchOf(leg.branch)))
  .join('')}`;
}

function changeText(leg: CorrectionLeg, { currency }: BranchConfig): string {
  const { branch, amountMinor, balanceMinor, version, outsideMinor } = leg;
  const shown = (minor: bigint) => formatAmount(minor, currency);
  const fields = [
    `branch: ${jsonText(branch)}`,
    `amount: "${shown(amountMinor)}"`,
    `balance: "${shown(balanceMinor)}"`,
    `version: ${version}`,
    ...(outsideMinor === 0n ? [] : [`outside: "${shown(outsideMinor)}"`]),
  ];
  const after = `${shown(balanceMinor)} becomes ${shown(balanceMinor + amountMinor)}`;
  return `      - { ${fields.join(', ')} } # ${after} ${currency.code}\n`;
}
