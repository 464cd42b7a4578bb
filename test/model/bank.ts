/**
 * The reference model: a bank as the design describes it, and nothing else. Pure, without a
 * database, without any code of src: if the two differ, one of them is wrong. Amounts are bigint
 * minor units. What it does not decide (times, texts, the order of two faults in one request) it
 * leaves open: a refusal names every code that would be right.
 */

export interface Place {
  readonly branch: string;
  readonly account: string;
}

/** What can be asked of a bank, without an id. */
export type Ask =
  | { readonly type: 'open'; readonly at: Place; readonly minor: bigint }
  | {
      readonly type: 'increment';
      readonly at: Place;
      readonly minor: bigint;
      readonly create: boolean;
    }
  | {
      readonly type: 'transfer';
      readonly from: Place;
      readonly to: Place;
      readonly minor: bigint;
    }
  | { readonly type: 'reverse'; readonly reverses: string }
  | { readonly type: 'freeze' | 'unfreeze' | 'close'; readonly at: Place }
  | {
      readonly type: 'label';
      readonly at: Place;
      /** Empty if it stays; `-` for none. */
      readonly owner: string;
      /** A word, or empty. */
      readonly add: string;
      readonly remove: string;
    };

export interface BranchRules {
  readonly name: string;
  readonly currency: string;
  readonly minMinor: bigint;
  /** The largest balance: 24 digits including the decimals, or 15 in a branch of doubles. */
  readonly maxMinor: bigint;
}

export interface Account {
  readonly minor: bigint;
  readonly version: number;
  readonly status: 'open' | 'frozen' | 'closed';
  readonly profile: Profile;
}

/** Whose an account is, and its labels in order. */
export interface Profile {
  /** Empty for none. */
  readonly owner: string;
  readonly labels: readonly string[];
}

export const noProfile: Profile = { owner: '', labels: [] };

export function profileText({ owner, labels }: Profile): string {
  return `${owner}[${labels.join()}]`;
}

export interface Posting extends Place {
  readonly minor: bigint;
  readonly afterMinor: bigint;
  readonly version: number;
  /** Of a label, and of its reversal. */
  readonly profiles?: { readonly before: Profile; readonly after: Profile };
}

interface Applied {
  readonly ask: Ask;
  readonly memo: string;
  readonly postings: readonly Posting[];
}

interface Refused {
  readonly ask: Ask;
  readonly memo: string;
  readonly codes: readonly string[];
}

/** Immutable: every operation returns a new one. */
export interface Bank {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly applied: ReadonlyMap<string, Applied>;
  /** The rows of files that were refused, and stay so. */
  readonly refused: ReadonlyMap<string, Refused>;
}

export const emptyBank: Bank = { accounts: new Map(), applied: new Map(), refused: new Map() };

export interface Request {
  readonly id: string;
  readonly ask: Ask;
  readonly memo: string;
}

/** Whether the request is a row of a file, whose refusal is remembered. */
export interface Manner {
  readonly row: boolean;
  readonly retryRefused: boolean;
}

export type Fate =
  | { readonly kind: 'applied' | 'replayed'; readonly postings: readonly Posting[] }
  | { readonly kind: 'refused'; readonly codes: readonly string[] };

export type Rules = ReadonlyMap<string, BranchRules>;

export function placeKey({ branch, account }: Place): string {
  return `${branch}:${account}`;
}

/** What one request does. */
export function ask(
  bank: Bank,
  rules: Rules,
  request: Request,
  manner: Manner,
): readonly [Bank, Fate] {
  const after = draftOf(bank);
  const fate = take(after, rules, request, manner);
  return [after, fate];
}

/** A private copy of a bank. */
interface Draft extends Bank {
  readonly accounts: Map<string, Account>;
  readonly applied: Map<string, Applied>;
  readonly refused: Map<string, Refused>;
}

function draftOf({ accounts, applied, refused }: Bank): Draft {
  return { accounts: new Map(accounts), applied: new Map(applied), refused: new Map(refused) };
}

function take(bank: Draft, rules: Rules, request: Request, { row, retryRefused }: Manner): Fate {
  const before = bank.applied.get(request.id);
  if (before !== undefined) {
    // What conflicts with something applied is refused for that, and need not be remembered.
    return same(before, request)
      ? { kind: 'replayed', postings: before.postings }
      : { kind: 'refused', codes: ['operation_id_conflict'] };
  }
  const stands = bank.refused.get(request.id);
  if (row && !retryRefused && stands !== undefined && same(stands, request)) {
    return { kind: 'refused', codes: stands.codes };
  }
  const codes = new Set<string>();
  const legs = legsOf(bank, rules, request.ask, codes);
  if (codes.size > 0) {
    if (row) bank.refused.set(request.id, { ...request, codes: [...codes] });
    return { kind: 'refused', codes: [...codes] };
  }
  const postings = legs.map(({ at, minor, status, profile }): Posting => {
    const fresh = { minor: 0n, version: 0, status: 'open', profile: noProfile } as const;
    const old = bank.accounts.get(placeKey(at)) ?? fresh;
    const kept = { status, profile: profile ?? old.profile };
    const account = { minor: old.minor + minor, version: old.version + 1, ...kept };
    bank.accounts.set(placeKey(at), account);
    const profiles = profile && { profiles: { before: old.profile, after: profile } };
    return { ...at, minor, afterMinor: account.minor, version: account.version, ...profiles };
  });
  bank.applied.set(request.id, { ...request, postings });
  bank.refused.delete(request.id);
  return { kind: 'applied', postings };
}

/** An id stands for type, accounts, amount and memo; `create` is a condition, not part of it. */
function same(a: { ask: Ask; memo: string }, b: { ask: Ask; memo: string }): boolean {
  return requestText(a) === requestText(b);
}

export function requestText({ ask: asked, memo }: { ask: Ask; memo: string }): string {
  const { create: _, ...rest } = { create: false, ...asked };
  return JSON.stringify([rest, memo], (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

interface Leg {
  readonly at: Place;
  readonly minor: bigint;
  readonly status: Account['status'];
  readonly profile?: Profile;
}

/** The legs of a request; every rule that it breaks is added to `codes`. */
function legsOf(bank: Bank, rules: Rules, asked: Ask, codes: Set<string>): readonly Leg[] {
  switch (asked.type) {
    case 'open':
      if (bank.accounts.has(placeKey(asked.at))) codes.add('account_exists');
      else checkBounds(rules, asked.at, asked.minor, codes);
      return [{ at: asked.at, minor: asked.minor, status: 'open' }];
    case 'increment':
      if (asked.minor === 0n) codes.add('amount_zero');
      return [move(bank, rules, asked.at, asked.minor, codes, asked.create)];
    case 'transfer':
      if (asked.minor === 0n) codes.add('amount_zero');
      if (asked.minor < 0n) codes.add('amount_negative');
      if (placeKey(asked.from) === placeKey(asked.to)) codes.add('same_account');
      if (rules.get(asked.from.branch)?.currency !== rules.get(asked.to.branch)?.currency) {
        codes.add('currency_mismatch');
      }
      return [
        move(bank, rules, asked.from, -asked.minor, codes),
        move(bank, rules, asked.to, asked.minor, codes),
      ];
    case 'reverse':
      return reversal(bank, rules, asked.reverses, codes);
    case 'label':
      return [label(bank, asked, codes)];
    default:
      return [changeStatus(bank, asked.type, asked.at, codes)];
  }
}

function checkBounds(rules: Rules, at: Place, minor: bigint, codes: Set<string>): void {
  const { minMinor = 0n, maxMinor = 0n } = rules.get(at.branch) ?? {};
  if (minor < minMinor) codes.add('below_minimum');
  if (minor > maxMinor) codes.add('balance_limit');
}

function move(
  bank: Bank,
  rules: Rules,
  at: Place,
  minor: bigint,
  codes: Set<string>,
  create = false,
): Leg {
  const account = bank.accounts.get(placeKey(at));
  if (account === undefined && !create) codes.add('account_not_found');
  if (account !== undefined) checkOpen(account, codes);
  if (account !== undefined || create) {
    checkBounds(rules, at, (account?.minor ?? 0n) + minor, codes);
  }
  return { at, minor, status: 'open' };
}

function checkOpen({ status }: Account, codes: Set<string>): void {
  if (status !== 'open') codes.add(`account_${status}`);
}

function reversal(bank: Bank, rules: Rules, id: string, codes: Set<string>): readonly Leg[] {
  const entry = bank.applied.get(id);
  if (entry === undefined) codes.add('operation_not_found');
  else if (!['increment', 'transfer', 'label'].includes(entry.ask.type)) {
    codes.add('not_reversible');
  }
  for (const { ask: other } of bank.applied.values()) {
    if (other.type === 'reverse' && other.reverses === id) codes.add('already_reversed');
  }
  if (entry === undefined || codes.size > 0) return [];
  return entry.postings.map((posting) => {
    const at = { branch: posting.branch, account: posting.account };
    if (posting.profiles) return unlabel(bank, at, posting.profiles, codes);
    return move(bank, rules, at, -posting.minor, codes);
  });
}

/** An account of any status but closed. */
function unclosed(bank: Bank, at: Place, codes: Set<string>): Account | undefined {
  const account = bank.accounts.get(placeKey(at));
  if (account === undefined) codes.add('account_not_found');
  if (account?.status === 'closed') codes.add('account_closed');
  return account;
}

function label(
  bank: Bank,
  { at, owner, add, remove }: Extract<Ask, { readonly type: 'label' }>,
  codes: Set<string>,
): Leg {
  const account = unclosed(bank, at, codes);
  const { profile: before, status } = account ?? { profile: noProfile, status: 'open' };
  const labels = new Set([...before.labels, ...(add === '' ? [] : [add])]);
  labels.delete(remove);
  const profile = {
    owner: owner === '' ? before.owner : owner.replace(/^-$/, ''),
    labels: [...labels].sort(),
  };
  if (account && profileText(profile) === profileText(before)) codes.add('labels_unchanged');
  return { at, minor: 0n, status, profile };
}

/** What a label changed is put back, if it is still as the label left it. */
function unlabel(
  bank: Bank,
  at: Place,
  { before, after }: { readonly before: Profile; readonly after: Profile },
  codes: Set<string>,
): Leg {
  const { profile, status } = unclosed(bank, at, codes) ?? { profile: noProfile, status: 'open' };
  const words = new Set([...before.labels, ...after.labels, ...profile.labels]);
  const labels: string[] = [];
  for (const word of [...words].sort()) {
    const [was, became, is] = [before, after, profile].map((it) => it.labels.includes(word));
    if (was !== became && is !== became) codes.add('labels_changed');
    if (was === became ? is : was) labels.push(word);
  }
  const setOwner = before.owner !== after.owner;
  if (setOwner && profile.owner !== after.owner) codes.add('labels_changed');
  const owner = setOwner ? before.owner : profile.owner;
  return { at, minor: 0n, status, profile: { owner, labels } };
}

function changeStatus(
  bank: Bank,
  type: 'freeze' | 'unfreeze' | 'close',
  at: Place,
  codes: Set<string>,
): Leg {
  const account = bank.accounts.get(placeKey(at));
  if (account === undefined) codes.add('account_not_found');
  else if (type !== 'unfreeze') checkOpen(account, codes);
  else if (account.status === 'open') codes.add('account_not_frozen');
  else if (account.status === 'closed') codes.add('account_closed');
  if (type === 'close' && account !== undefined && account.minor !== 0n) {
    codes.add('balance_not_zero');
  }
  const status = { freeze: 'frozen', unfreeze: 'open', close: 'closed' } as const;
  return { at, minor: 0n, status: status[type] };
}

/** A file of requests, in order. */
export interface FileManner extends Manner {
  readonly atomic: boolean;
  readonly stop: boolean;
}

/** What a file does. Its fates end at the row that stopped it; an atomic file is all or nothing. */
export function askAll(
  bank: Bank,
  rules: Rules,
  requests: readonly Request[],
  manner: FileManner,
): readonly [Bank, readonly Fate[]] {
  const fates: Fate[] = [];
  const after = draftOf(bank);
  for (const request of requests) {
    const fate = take(after, rules, request, manner);
    fates.push(fate);
    if (fate.kind === 'refused' && manner.stop) break;
  }
  if (!manner.atomic || fates.every(({ kind }) => kind !== 'refused')) return [after, fates];
  return [bank, fates];
}

/** An account as a row of `import` wants it. */
export interface Wanted extends Place {
  readonly minor: bigint;
  readonly status: Account['status'];
}

/** What becomes of one row of an import. */
export function importOne(
  bank: Bank,
  rules: Rules,
  want: Wanted,
): readonly [Bank, 'created' | 'duplicate' | 'conflict' | 'rejected'] {
  const there = bank.accounts.get(placeKey(want));
  if (there !== undefined) {
    const equal = there.minor === want.minor && there.status === want.status;
    return [bank, equal ? 'duplicate' : 'conflict'];
  }
  const manner = { row: false, retryRefused: false };
  const id = `import ${placeKey(want)}`;
  const at = { branch: want.branch, account: want.account };
  const opening = { id, memo: '', ask: { type: 'open', at, minor: want.minor } } as const;
  const [opened, fate] = ask(bank, rules, opening, manner);
  if (fate.kind !== 'applied') return [bank, 'rejected'];
  if (want.status === 'open') return [opened, 'created'];
  const type = want.status === 'frozen' ? 'freeze' : 'close';
  const second = { id: `${id} ${type}`, memo: '', ask: { type, at } } as const;
  const [ended, ending] = ask(opened, rules, second, manner);
  return ending.kind === 'applied' ? [ended, 'created'] : [bank, 'rejected'];
}
