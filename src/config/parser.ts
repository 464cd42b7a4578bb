import {
  type Document,
  isScalar,
  Lexer,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from 'yaml';
import { BankctlError } from '../core/errors.ts';
import { asSentence } from '../core/text.ts';
import type { Config } from './config.ts';
import { validateConfig } from './schema.ts';

/** Nobody reads more. */
const maxReasons = 10;

/** Something in the text that a config must not have, and where it begins. */
interface Fault {
  readonly offset: number;
  readonly reason: string;
}

/**
 * Parses and validates the text of a config file. JSON is a subset of YAML, so one parser reads
 * both. If the file is not a config, nothing is shown but the offending key: it may hold
 * anything.
 *
 * @throws `invalid_config`, with the file, each key and the reason
 */
export function loadConfig(path: string, text: string): Config {
  const feature = unwantedFeature(text);
  if (feature) throw refusal(path, text, feature);
  const document = parseDocument(text, { uniqueKeys: false, strict: true, prettyErrors: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    throw refusal(path, text, { offset: problem.pos[0], reason: syntaxReason(problem.code) });
  }
  const fault = keyFault(document);
  if (fault) throw refusal(path, text, fault);
  const validated = validateConfig(path, document.toJS());
  if ('branches' in validated) return validated;
  const reasons = validated.slice(0, maxReasons).map(({ key, reason }) => `${key} ${reason}`);
  const more = validated.length - reasons.length;
  throw new BankctlError(
    'invalid_config',
    asSentence(`${path}: ${reasons.join('; ')}${more > 0 ? `; and ${more} more` : ''}`),
  );
}

function refusal(path: string, text: string, { offset, reason }: Fault): BankctlError {
  const before = text.slice(0, offset).split('\n');
  const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
  return new BankctlError('invalid_config', `${path}, ${place}: ${reason}.`);
}

/** Tokens that the lexer adds: before a document, at the end of a faulty one, before a scalar. */
const beforeScalar = '\u001F';
const addedTokens: ReadonlySet<string> = new Set(['\u0002', '\u0018', beforeScalar]);

const features: Readonly<Record<string, string>> = {
  '&': 'an anchor',
  '*': 'an alias',
  '!': 'a tag',
  '%': 'a directive',
};

/**
 * Anchors and aliases can make a small file a huge one, and tags change its meaning in ways that
 * are easy to miss; a config needs neither. Found before the text is parsed, which takes long if
 * there are many.
 */
function unwantedFeature(text: string): Fault | undefined {
  const control = text.search(/[^\P{Cc}\t\n\r]/u);
  if (control !== -1) return { offset: control, reason: 'there is a control character' };
  let offset = 0;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    const [first = ''] = token;
    const name = before === beforeScalar ? undefined : features[first];
    if (name !== undefined) {
      return { offset, reason: `there is ${name}, which a config must not have` };
    }
    if (!addedTokens.has(token)) offset += token.length;
    before = token;
  }
  return undefined;
}

/**
 * Finds repeated keys, and words that are not what they look like: a key 0042 would be the
 * number 42, and `no` is the text "no" here but false in other programs. In a time linear in the
 * length of the file.
 */
function keyFault(document: Document): Fault | undefined {
  let fault: Fault | undefined;
  const report = (scalar: Scalar | undefined, reason: string) => {
    fault = { offset: scalar?.range?.[0] ?? 0, reason };
    return visit.BREAK;
  };
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) return report(undefined, 'a key is not text');
        if (typeof key.value !== 'string') {
          return report(key, `the key ${shown(key)} must be in quotes, to be text`);
        }
        if (seen.has(key.value)) return report(key, `the key ${shown(key)} appears twice`);
        seen.add(key.value);
      }
      return undefined;
    },
    Scalar: (_, scalar) =>
      scalar.type === 'PLAIN' && /^(?:yes|no|on|off)$/i.test(scalar.source ?? '')
        ? report(scalar, `write ${scalar.source} in quotes, or say true or false`)
        : undefined,
  });
  return fault;
}

/** A key that looks like one; a whole line that was taken for a key may be a secret. */
function shown({ source = '' }: Scalar): string {
  return /^[\w.+~-]{1,64}$/.test(source) ? source : 'here';
}

/** The parser's own messages quote the text. */
function syntaxReason(code: YAMLError['code']): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'there is a tab, but YAML is indented by spaces';
    case 'MULTIPLE_DOCS':
      return 'a second document begins, but a config is only one';
    case 'BAD_INDENT':
      return 'the indentation does not fit the lines above';
    case 'BAD_DQ_ESCAPE':
      return 'there is a \\ that is not a valid escape; use single quotes';
    case 'BAD_SCALAR_START':
      return 'a value begins with a character that needs quotes';
    case 'MISSING_CHAR':
      return 'a bracket, a quotation mark, a comma or a colon is missing';
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'there is one colon too many, or a line without one';
    default:
      return `this is not YAML (${code})`;
  }
}
