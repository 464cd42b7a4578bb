import type { Command, Typed } from '../commands/command.ts';
import { longFlag, takesReference } from '../commands/option-flags.ts';
import type { BranchConfig, Config } from '../config/config.ts';
import { nearest } from '../core/near-names.ts';
import { jsonText } from '../core/text.ts';
import { currencyCode, isAmountLike, isCurrency, plainAmount } from './meant-amount.ts';

/** Nobody typed more by mistake, and the guess takes time in their square. */
const maxWords = 50;
const maxLength = 500;

/** Arguments and options. */
interface Guess extends Pick<Typed, 'args' | 'options'> {
  /** What to say instead, if nothing that could be typed is what was meant. */
  readonly advice?: string;
}

/**
 * What was probably meant by arguments that do not fit a command: words in another order, two words
 * for BRANCH:ACCOUNT, a misspelt branch, an amount as another country writes it.
 *
 * @param config undefined if it cannot be read: then a branch is known by its place only
 * @returns undefined if that is not clear, or is what was typed
 */
export function meantArguments(
  command: Command,
  typed: Typed,
  config: Config | undefined,
): Guess | undefined {
  const args = typed.args.flatMap((word) => (word ? [word] : []));
  if (args.length > maxWords || args.some(({ length }) => length > maxLength)) return undefined;
  const guess = guessOf(command, { args, options: typed.options }, new Branches(config));
  if (guess?.advice !== undefined) return guess;
  return guess && jsonText(shape(guess)) !== jsonText(shape(typed)) ? guess : undefined;
}

/** What makes two command lines the same. */
function shape({ args, options }: Guess): readonly unknown[] {
  return [args, Object.entries(options).toSorted()];
}

/** What was typed, without gaps. */
interface Words extends Guess {
  readonly args: readonly string[];
}

function guessOf(command: Command, typed: Words, names: Branches): Guess | undefined {
  const [first, second] = command.arguments;
  if (first?.name === 'from' && second?.name === 'to') {
    const found = sentenceOf(typed.args, names);
    return found && withRest(command, typed, names.get(found.branch), found);
  }
  if (takesReference(command)) {
    const found = accountOf(command, typed.args, names);
    return found && withRest(command, typed, names.get(found.branch), found);
  }
  return branchesOf(command, typed, names);
}

/** Branches by name. */
class Branches {
  readonly #branches: readonly BranchConfig[];

  constructor(config: Config | undefined) {
    this.#branches = config?.branches ?? [];
  }

  get(name: string): BranchConfig | undefined {
    const wanted = name.normalize('NFC');
    return this.#branches.find((branch) => branch.name === wanted);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The branch that a word names or nearly names. */
  meant(word: string): string | undefined {
    if (this.has(word)) return word;
    const names = this.#branches.map(({ name }) => name);
    // With figures it is the number of an account, unless branches have figures too.
    return nearest(word, /\d/.test(word) ? names.filter((name) => /\d/.test(name)) : names);
  }

  /** BRANCH:ACCOUNT; with a branch of any name if none is known. */
  reference(word: string): { readonly branch: string; readonly account: string } | undefined {
    const colon = word.indexOf(':');
    if (colon < 1 || colon === word.length - 1) return undefined;
    const [before, account] = [word.slice(0, colon), word.slice(colon + 1)];
    const branch = this.#branches.length === 0 ? before : this.meant(before);
    return branch === undefined ? undefined : { branch, account };
  }
}

/** The arguments, and the words that are none of them. */
interface Found {
  readonly branch: string;
  readonly args: readonly string[];
  readonly amount?: string | undefined;
  readonly rest: readonly string[];
}

/** BRANCH ACCOUNT [AMOUNT], in whatever order they were typed. */
function accountOf(
  { arguments: specs }: Command,
  words: readonly string[],
  names: Branches,
): Found | undefined {
  const references = words.filter((word) => names.reference(word));
  const [typed, ...others] = references;
  if (others.length > 0) return undefined;
  const reference = typed === undefined ? undefined : names.reference(typed);
  const named =
    typed ??
    words.find((word) => names.has(word)) ??
    words.find((word) => names.meant(word) !== undefined);
  if (named === undefined) return undefined;
  const branch = reference?.branch ?? names.meant(named.replace(/:$/, '')) ?? '';
  const left = without(words, words.indexOf(named)).filter(
    // A branch may stand before the reference, too, which then says which one is meant.
    (word) => reference === undefined || !(word === branch || names.has(word)),
  );
  const needsAmount = specs.some(({ name }) => name === 'amount');
  const at = needsAmount ? left.findLastIndex(isAmountLike) : -1;
  if (needsAmount && at < 0) return undefined;
  const [first, ...more] = without(left, at);
  const account = reference?.account ?? first;
  if (account === undefined)
    return specs[1]?.optional ? { branch, args: [branch], rest: [] } : undefined;
  const rest = reference && first !== undefined ? [first, ...more] : more;
  return { branch, args: [branch, account], amount: left[at], rest };
}

const fillers: ReadonlySet<string> = new Set(['from', 'to', 'into']);

/** As `transferOf`, for a sentence: `A to B 5`. */
function sentenceOf(words: readonly string[], names: Branches): Found | undefined {
  const bare = words.filter((word) => !fillers.has(word));
  const found = bare.length < words.length ? transferOf(bare, names) : undefined;
  return found?.rest.length === 0 ? found : transferOf(words, names);
}

/** FROM TO AMOUNT, with accounts of one word or of two, and the amount anywhere. */
function transferOf(words: readonly string[], names: Branches): Found | undefined {
  let best: { found: Found; score: number } | undefined;
  for (const [at, amount] of [...words.entries()].toReversed()) {
    if (!isAmountLike(amount) || names.reference(amount)) continue;
    const from = pairOf(without(words, at), names);
    const to = from && pairOf(from.rest, names);
    if (!from || !to) continue;
    const args = [from, to].map(({ branch, account }) => `${branch}:${account}`);
    const { rest } = to;
    const score = from.score + to.score - rest.length;
    const found = { branch: from.branch, args, amount, rest };
    if (best === undefined || score > best.score) best = { found, score };
  }
  return best?.found;
}

/** The account that the words begin with, in one word or two. */
function pairOf(words: readonly string[], names: Branches) {
  const [first = '', second = ''] = words;
  const reference = names.reference(first);
  if (reference) return { ...reference, score: 2, rest: words.slice(1) };
  const [before, after] = [first, second].map((word) => word.replace(/:$/, ''));
  if (!before || !after) return undefined;
  const rest = words.slice(2);
  if (names.has(after) && !names.has(before)) {
    return { branch: after, account: before, score: 1, rest };
  }
  const score = names.has(before) ? 2 : 0;
  return { branch: names.meant(before) ?? before, account: second, score, rest };
}

function without(words: readonly string[], at: number): readonly string[] {
  return words.filter((_, index) => index !== at);
}

/** Adds the amount, and finds a place for the words that are left; undefined if there is none. */
function withRest(
  command: Command,
  { args: typed, options }: Words,
  branch: BranchConfig | undefined,
  { args, amount, rest }: Found,
): Guess | undefined {
  const amounts = amount === undefined ? [] : [plainAmount(amount, branch?.currency)];
  const guess = (more: Typed['options'] = {}) => ({
    args: [...args, ...amounts],
    options: { ...options, ...more },
  });
  const left = rest.filter((word) => currencyCode(word) !== branch?.currency.code);
  if (left.length === 0) return guess();
  const [first = ''] = left;
  if (amount !== undefined && isCurrency(first)) {
    // As a memo, the same figure would be posted in the currency of the branch.
    if (branch === undefined) return undefined;
    const { code } = branch.currency;
    const other = currencyCode(first);
    return {
      ...guess(),
      advice: `${branch.name} keeps ${code}, not ${other}: give it in ${code}.`,
    };
  }
  const takes = (flag: string, name: string, unused: unknown) =>
    command.options.some((option) => longFlag(option) === flag) && options[name] === unused;
  if (isAmountLike(first) && left.length === 1 && takes('--balance', 'balance', '0')) {
    return guess({ balance: plainAmount(first, branch?.currency) });
  }
  const labels = labelsOf(command, options, left);
  if (labels) return guess(labels);
  const isLast = left.every((word, at) => word === typed.slice(-left.length)[at]);
  const isProse = !left.some((word) => /^--?[a-z]/i.test(word));
  return isLast && isProse && takes('--memo', 'memo', undefined)
    ? guess({ memo: left.join(' ') })
    : undefined;
}

/** What `label` was to set, if no option says so: words are labels, a name is the owner. */
function labelsOf(
  command: Command,
  { owner, add, remove }: Typed['options'],
  words: readonly string[],
): Typed['options'] | undefined {
  const takesLabels = command.options.some((option) => longFlag(option) === '--add');
  if (!takesLabels || [owner, add, remove].some((given) => given !== undefined)) return undefined;
  if (words.some((word) => word.startsWith('-'))) return undefined;
  const [first = '', ...others] = words;
  return others.length === 0 && /\s/.test(first) ? { owner: first } : { add: words };
}

/** Branches as the config spells them, in arguments and options. */
function branchesOf({ arguments: specs }: Command, { args, options }: Words, names: Branches) {
  const [first = '', second = '', ...rest] = args;
  const isSwapped = specs[0]?.name === 'branch' && !names.has(first) && names.has(second);
  const inOrder = isSwapped && specs[0]?.variadic !== true ? [second, first, ...rest] : args;
  const { branch, account } = options;
  if (specs.length === 0 && typeof account === 'string' && names.has(account) && second === '') {
    return { args: [], options: { ...options, account: `${account}:${first}` } };
  }
  const reference = typeof account === 'string' ? names.reference(account) : undefined;
  return {
    args: inOrder.map((word, at) => {
      const spec = specs[at] ?? specs.at(-1);
      return (spec?.name === 'branch' && names.meant(word)) || word;
    }),
    options: {
      ...options,
      ...(typeof branch === 'string' && { branch: names.meant(branch) ?? branch }),
      ...(reference && { account: `${reference.branch}:${reference.account}` }),
    },
  };
}
