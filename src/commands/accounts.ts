import type { AccountQuery, FoundAccount } from '../bank/account-search.ts';
import { parseLabels } from '../bank/operations/profile.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { type BankctlError, Status } from '../core/errors.ts';
import { parseAmount } from '../core/money.ts';
import { nearest } from '../core/near-names.ts';
import { quote, shellWord } from '../core/text.ts';
import { timeFormat } from '../core/time.ts';
import { formats } from '../render/formats.ts';
import { streamOf } from '../render/result.ts';
import { column, figure } from '../render/view.ts';
import { warnOfNoBank } from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { textOption, textOptions } from './command-input.ts';
import { failure, resultZone } from './notice.ts';
import { profileColumns } from './profile-text.ts';
import { amount, listOf, manyOf, nullable, objectOf, text, time } from './result-schema.ts';

export const accounts: Command = {
  name: 'accounts',
  summary: 'find accounts by number, owner, label, status or balance',
  description:
    'Without a branch it looks in all. A single word that names no branch is looked for in the ' +
    'account numbers, in any case. All that is given must hold; with several labels, an account ' +
    'must have each. Frozen and closed accounts are listed with who made them so, ' +
    'when, and the memo.',
  arguments: [
    { name: 'branch', summary: 'only accounts of this branch', optional: true },
    { name: 'text', summary: 'only accounts with this in their number', optional: true },
  ],
  options: [
    {
      flags: '--status <STATUS>',
      summary: 'only accounts with this status',
      choices: ['open', 'frozen', 'closed'],
    },
    { flags: '--owner <TEXT>', summary: 'only accounts with TEXT in their owner, in any case' },
    {
      flags: '--label <WORD>',
      summary: 'only accounts with this label, in any case; may be repeated',
      repeatable: true,
    },
    { flags: '--min <AMOUNT>', summary: 'only with this balance or more' },
    { flags: '--max <AMOUNT>', summary: 'only with this balance or less' },
  ],
  examples: [
    'bankctl accounts --status frozen',
    'bankctl accounts branch1 PAR-',
    'bankctl accounts --owner lovelace --label vip',
    'bankctl accounts branch1 --max -0.01',
  ],
  results: [
    manyOf(
      objectOf<FoundAccount>({
        ...{ branch: text, account: text, balance: amount, currency: text },
        ...{ status: text, since: nullable(time), by: nullable(text) },
        ...{ reason: nullable(text), owner: nullable(text), labels: listOf(text) },
      }),
    ),
  ],
  run: async (typed, session) => {
    const query = parseAccounts(typed, await session.config());
    const formatAt = timeFormat(await resultZone(session));
    const { anyProfile, findAccounts } = await import('../bank/index.ts');
    const bank = await session.bank();
    await warnOfNoBank(bank, session);
    const { forPeople } = formats[session.globals.output];
    const isProfiled = !forPeople || (await anyProfile(bank, query));
    let status: Status = Status.done;
    const report = (error: BankctlError) => {
      status = error.status;
      failure(session, error);
    };
    const found = findAccounts(bank, query, report);
    const isSound = () => status === Status.done;
    const announced = announceNone(session, found, { ...query, isSound });
    const stream = streamOf<FoundAccount>(announced, [
      ...[column('branch'), column('account'), figure('balance'), column('currency')],
      column('status'),
      { name: 'since', cell: ({ since }) => (since === null ? '' : formatAt(new Date(since))) },
      ...[column('by'), column('reason')],
      ...(isProfiled ? profileColumns<FoundAccount>((found) => found) : []),
    ]);
    return { ...stream, status: () => status };
  },
};

/** What `accounts` was asked for. */
interface AccountsInput extends AccountQuery {
  /** A word that was taken for part of a number, and may have been meant as this branch. */
  readonly meant?: string | undefined;
}

/** @throws `invalid_amount`, `amount_precision`, `invalid_label` */
export function parseAccounts(typed: Typed, config: Config): AccountsInput {
  const [first, second] = separate(typed.args, config);
  const names = config.branches.map(({ name }) => name);
  const named = first === undefined ? undefined : names.find((it) => it === first.normalize('NFC'));
  const all = { branches: names, text: first };
  const place =
    named === undefined && second === undefined
      ? { ...all, ...(first !== undefined && { meant: nearest(first, names) }) }
      : { branches: [named ?? findBranch(config, first ?? '').name], text: second };
  const bound = (name: string, currency: Config['branches'][number]['currency']) => {
    const text = textOption(typed, name);
    return text === undefined ? undefined : parseAmount(text, currency);
  };
  const bounds: AccountQuery['bounds'] = ({ currency }) => ({
    minMinor: bound('min', currency),
    maxMinor: bound('max', currency),
  });
  for (const branch of config.branches) {
    if (place.branches.includes(branch.name)) bounds(branch);
  }
  const labels = textOptions(typed, 'label');
  return {
    ...{ ...place, status: textOption(typed, 'status'), owner: textOption(typed, 'owner') },
    ...{ labels: labels.length === 0 ? undefined : parseLabels(labels.join()), bounds },
  };
}

/** BRANCH:TEXT is a branch and a text; after a word that names no branch, a colon is text. */
function separate(args: Typed['args'], { branches }: Config): Typed['args'] {
  const [first = ''] = args;
  const colon = first.indexOf(':');
  const branch = first.slice(0, Math.max(colon, 0)).normalize('NFC');
  if (args.length !== 1 || !branches.some(({ name }) => name === branch)) return args;
  return [branch, ...(colon === first.length - 1 ? [] : [first.slice(colon + 1)])];
}

/** What is to be said if nothing is found. */
interface Sought extends AccountsInput {
  /** False if an account could not be read: it may be the one. */
  readonly isSound: () => boolean;
}

/** Says that nothing was found, and what else the word may have meant. */
async function* announceNone<Item>(
  session: Session,
  batches: AsyncIterable<readonly Item[]>,
  { text, meant, isSound }: Sought,
): AsyncIterable<readonly Item[]> {
  let any = false;
  for await (const batch of batches) {
    if (batch.length === 0) continue;
    any = true;
    yield batch;
  }
  if (any || !isSound()) return;
  const what = text === undefined ? 'No account matches.' : `No account has ${quote(text)} in it.`;
  if (text === undefined) session.talk('no_accounts', what);
  else {
    const hint =
      meant === undefined
        ? `bankctl accounts --owner ${shellWord(text)} looks in the owners instead.`
        : `Did you mean bankctl accounts ${shellWord(meant)}?`;
    session.talk('no_accounts', what, { hint });
  }
}
