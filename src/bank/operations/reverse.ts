import { BankctlError } from '../../core/errors.ts';
import { quote, shellWord } from '../../core/text.ts';
import type { Entry } from './entry.ts';
import { leg, type Past, type RowKind } from './kind.ts';
import { profileLeg } from './label.ts';
import { parseOperationId } from './names.ts';
import { undoChange } from './profile.ts';

/** Posts the opposite of an operation, at most once. */
export interface Reverse {
  readonly type: 'reverse';
  /** The operation id of what is reversed. */
  readonly reverses: string;
}

/** The kind `reverse`, given which types of operation can be reversed. */
export function reverseOf(isReversible: (type: string) => boolean): RowKind<Reverse> {
  return {
    fields: { needed: ['reverses'], may: [] },
    parse: (fields) => ({ type: 'reverse', reverses: parseOperationId(fields['reverses'] ?? '') }),
    request: ({ type, reverses }, memo) => ({ type, reverses, memo }),
    changeOf: ({ reverses = '' }) => ({ type: 'reverse', reverses }),
    accounts: ({ reverses }, entries) => entries.get(reverses)?.postings ?? [],
    legs: ({ reverses }, past) => {
      const { postings } = reversedEntry(past, reverses, isReversible);
      return postings.map((posting) => {
        const { profile } = posting;
        return profile
          ? profileLeg(posting, (now) => undoChange(posting, now, profile))
          : leg(posting, -posting.amountMinor);
      });
    },
    creates: () => false,
    needsJournal: true,
    isReversible: false,
    showsAmount: true,
    status: undefined,
  };
}

function reversedEntry(
  { entries, reversals }: Past,
  id: string,
  isReversible: (type: string) => boolean,
): Entry {
  const entry = entries.get(id);
  if (!entry) {
    const message = `There is no operation ${quote(id)} to reverse.`;
    throw new BankctlError('operation_not_found', message, undefined, { operationIds: [id] });
  }
  if (!isReversible(entry.type)) {
    throw new BankctlError(
      'not_reversible',
      `The operation ${quote(id)} is of type ${entry.type}, which cannot be reversed.`,
      undefined,
      { operationIds: [id] },
    );
  }
  const reversal = reversals.get(id);
  if (reversal) {
    throw new BankctlError(
      'already_reversed',
      `The operation ${quote(id)} was already reversed, by ${quote(reversal.id)}.`,
      `See the reversal with bankctl show ${shellWord(reversal.id)}.`,
      { operationIds: [id, reversal.id] },
    );
  }
  return entry;
}
