import { formatAmount } from '../../core/money.ts';
import { count, quote, shellWord } from '../../core/text.ts';
import type { Finding } from '../finding.ts';
import type { Place } from '../observer.ts';

/** Documents that are reported together. */
export interface Summary {
  documents: number;
  readonly examples: string[];
  /** Sum of the balances that could be read, in minor units. */
  totalMinor: bigint;
}

/** Accounts of a branch that bankctl did not write, or those of a collection of no branch. */
export function foreignSummary(place: Place, summary: Summary): readonly Finding[] {
  const { name, currency, isBranch } = place;
  const { documents, totalMinor } = summary;
  if (documents === 0) return [];
  const total = currency && formatAmount(totalMinor, currency);
  const holding = total === undefined ? '' : `, with ${total} ${currency?.code} in all`;
  const shared = {
    account: null,
    branch: name,
    ...(total === undefined ? {} : { amount: total, currency: currency?.code ?? '' }),
    documents,
  };
  if (isBranch) {
    return [
      {
        ...{ code: 'unstamped_document', ...shared },
        detail:
          `${name} holds ${count(documents, 'document')} that bankctl did not write` +
          `${holding}: ${examplesOf(summary)}.`,
        cause: null,
        repair: `bankctl adopt ${shellWord(name)} takes them over.`,
      },
    ];
  }
  return [
    {
      ...{ code: 'stray_collection', ...shared },
      detail:
        `The collection ${quote(name)} belongs to no branch and holds ` +
        `${count(documents, 'account')}${holding}: ${examplesOf(summary)}.`,
      cause: null,
      repair:
        `If the money is a branch's, add a line under branches: in the config, ` +
        `${yamlKey(name)}: { collection: ${yamlKey(name)} }, and run ` +
        `bankctl adopt ${shellWord(name)}.`,
    },
  ];
}

/** Documents without a number that could be an account's. */
export function unusableSummary(place: Place, summary: Summary): readonly Finding[] {
  const { name, isBranch } = place;
  const { documents } = summary;
  if (documents === 0 || !isBranch) return [];
  return [
    {
      code: 'bad_document',
      account: null,
      branch: name,
      documents,
      detail:
        `${name} holds ${count(documents, 'document')} without an account number ` +
        `that can be used: ${examplesOf(summary)}.`,
      cause: null,
      repair: 'Find out which program wrote them, and move them to another collection.',
    },
  ];
}

function examplesOf({ documents, examples }: Summary): string {
  const named = examples.map((text) => (/^[\w.:@/ -]+$/.test(text) ? text : quote(text)));
  return [...named, ...(documents > examples.length ? ['…'] : [])].join(', ');
}

/** A name as YAML takes it without surprises. */
function yamlKey(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : JSON.stringify(name);
}
