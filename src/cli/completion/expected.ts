import type { ArgumentSpec, Command, OptionSpec } from '../../commands/command.ts';
import { flagsOf, longFlag, placeholderOf, takesReference } from '../../commands/option-flags.ts';
import { type Meaning, meaningOf } from '../../commands/placeholders.ts';

/** The whole command line as data. */
export interface Tree {
  readonly commands: readonly Command[];
  /** The options of every command. */
  readonly options: readonly OptionSpec[];
}

/** A word that could stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly summary?: string;
}

/** What the word at the cursor may be. */
export interface Expected {
  /** What stands before the value in the same word, such as `--branch=`. */
  readonly before: string;
  /** The beginning of the value. */
  readonly begun: string;
  /** The words that are known without asking anybody. */
  readonly words: readonly Candidate[];
  /** What the value stands for; absent if the words are all. */
  readonly meaning?: Meaning;
  /** The branch that was typed before. */
  readonly branch?: string | undefined;
  /** Values of options that were typed, by their long flag; a switch has `''`. */
  readonly given: ReadonlyMap<string, string>;
}

/** `-50` is an amount, and `-` the standard input. */
const optionLike = /^-(?![\d.]|$)/;

const help: Candidate = { value: 'help', summary: 'print help for a command' };

const builtIn: readonly OptionSpec[] = [
  { flags: '-h, --help', summary: 'print help' },
  { flags: '--version', summary: 'print the version' },
];

/**
 * What may stand at the cursor.
 *
 * @param before the words after `bankctl`, up to the cursor
 * @param current the beginning of the word at the cursor
 */
export function expectedAt(before: readonly string[], current: string, tree: Tree): Expected {
  const line = new TypedWords(tree);
  for (const word of before) line.take(word);
  return line.expect(current);
}

/** What was typed so far. */
class TypedWords {
  readonly #tree: Tree;
  #command: Command | undefined;
  #isHelp = false;
  /** After a word that is no command, nothing makes sense. */
  #isLost = false;
  #onlyArguments = false;
  /** The option that the next word is the value of. */
  #pending: OptionSpec | undefined;
  readonly #args: string[] = [];
  readonly #given = new Map<string, string>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  take(word: string): void {
    if (this.#pending) {
      this.#give(this.#pending, word);
      this.#pending = undefined;
    } else if (!this.#onlyArguments && word === '--') {
      this.#onlyArguments = true;
    } else if (!this.#onlyArguments && optionLike.test(word)) {
      this.#takeOption(word);
    } else if (this.#command) {
      this.#args.push(word);
    } else if (word === 'help' && !this.#isHelp) {
      this.#isHelp = true;
    } else {
      this.#command = this.#tree.commands.find(({ name }) => name === word);
      this.#isLost ||= this.#command === undefined;
    }
  }

  #takeOption(word: string): void {
    const { option, value } = this.#optionOf(word);
    if (!option) return;
    if (value !== undefined || !placeholderOf(option)) this.#give(option, value ?? '');
    else this.#pending = option;
  }

  #give(option: OptionSpec, value: string): void {
    this.#given.set(longFlag(option), value);
  }

  /** `--branch=b` and `-ojson` have their value with them. */
  #optionOf(word: string): { readonly option: OptionSpec | undefined; readonly value?: string } {
    const equals = word.indexOf('=');
    const isLong = word.startsWith('--');
    if (isLong && equals > 0) {
      return { option: this.#option(word.slice(0, equals)), value: word.slice(equals + 1) };
    }
    if (isLong || word.length === 2) return { option: this.#option(word) };
    return { option: this.#option(word.slice(0, 2)), value: word.slice(2).replace(/^=/, '') };
  }

  #option(flag: string): OptionSpec | undefined {
    return this.#options().find((option) => flagsOf(option).includes(flag));
  }

  #options(): readonly OptionSpec[] {
    return [...(this.#command?.options ?? []), ...this.#tree.options, ...builtIn];
  }

  expect(current: string): Expected {
    if (this.#isLost) return this.#words('', current, []);
    if (this.#pending) return this.#value('', current, this.#pending);
    if (!this.#onlyArguments && optionLike.test(current)) {
      const { option, value } = this.#optionOf(current);
      if (option && value !== undefined && placeholderOf(option)) {
        return this.#value(current.slice(0, current.length - value.length), value, option);
      }
      return this.#words('', current, this.#unused());
    }
    if (!this.#command || this.#isHelp) return this.#words('', current, this.#names());
    const { arguments: specs } = this.#command;
    const last = specs.at(-1);
    // A branch name has no colon: this is BRANCH:ACCOUNT.
    const isJoined = takesReference(this.#command) && (this.#args[0] ?? current).includes(':');
    const at = this.#args.length + (isJoined ? 1 : 0);
    const spec = specs[at] ?? (last?.variadic ? last : undefined);
    if (spec) return this.#argument(current, spec, isJoined && this.#args.length === 0);
    // With nothing left to type, a list of options is of more use than none.
    return this.#words('', current, current === '' && !this.#onlyArguments ? this.#unused() : []);
  }

  #names(): readonly Candidate[] {
    if (this.#isHelp && this.#command) return [];
    const names = this.#tree.commands.map(({ name, summary }) => ({ value: name, summary }));
    return this.#isHelp ? names : [...names, help];
  }

  /** Long flags that were not typed yet, or may be typed again. */
  #unused(): readonly Candidate[] {
    return this.#options()
      .map((option) => ({ value: longFlag(option), ...option }))
      .filter(({ value, repeatable }) => repeatable === true || !this.#given.has(value))
      .map(({ value, summary }) => ({ value, summary }));
  }

  #words(before: string, begun: string, words: readonly Candidate[]): Expected {
    return { before, begun, words, given: this.#given };
  }

  #value(before: string, begun: string, option: OptionSpec): Expected {
    const { choices = [] } = option;
    const expected = this.#words(
      before,
      begun,
      choices.map((value) => ({ value })),
    );
    const placeholder = placeholderOf(option);
    if (choices.length > 0 || placeholder === undefined) return expected;
    return { ...expected, meaning: meaningOf(placeholder), branch: this.#branch() };
  }

  #argument(
    begun: string,
    { name, choices = [], isNew = false }: ArgumentSpec,
    isReference: boolean,
  ): Expected {
    const expected = this.#words(
      '',
      begun,
      choices.map((value) => ({ value })),
    );
    if (choices.length > 0 || isNew) return expected;
    if (isReference) return { ...expected, meaning: 'reference' };
    return { ...expected, meaning: meaningOf(name), branch: this.#branch() };
  }

  #branch(): string | undefined {
    const at = this.#command?.arguments.findIndex(({ name }) => name === 'branch') ?? -1;
    return at < 0 ? this.#given.get('--branch') : this.#args[at];
  }
}
