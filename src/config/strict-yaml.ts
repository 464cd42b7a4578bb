import {
  type Document,
  isNode,
  isScalar,
  Lexer,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from 'yaml';

/** Something in the text that a file must not have, and where it begins. */
interface YamlFault {
  readonly offset: number;
  readonly reason: string;
}

/** What a text holds, and where: for messages about a value. */
export interface StrictYaml {
  readonly value: unknown;
  /** Where the value begins that has this path, or the nearest around it, from 0. */
  readonly offsetOf: (path: readonly PropertyKey[]) => number;
}

/**
 * Reads data that people write by hand. JSON is a subset of YAML, so one parser reads both. What
 * can be mistaken is refused: anchors, tags, repeated keys, words that other programs read as
 * something else.
 *
 * @param noun what the text is, for messages: `config`
 * @returns what it holds, or the first reason for refusing it
 */
export function readStrictYaml(text: string, noun: string): StrictYaml | YamlFault {
  const feature = unwantedFeature(text, noun);
  if (feature) return feature;
  const document = parseDocument(text, { uniqueKeys: false, strict: true, prettyErrors: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) return { offset: problem.pos[0], reason: syntaxReason(problem.code, noun) };
  const fault = keyFault(document);
  if (fault) return fault;
  return {
    value: document.toJS(),
    offsetOf: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const node = document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range) return node.range[0];
      }
      return 0;
    },
  };
}

/** `line 3, column 5`, counted from 1. */
export function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
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
 * are easy to miss; nothing needs either. Found before the text is parsed, which takes long if
 * there are many.
 */
function unwantedFeature(text: string, noun: string): YamlFault | undefined {
  const control = text.search(/[^\P{Cc}\t\n\r]/u);
  if (control !== -1) return { offset: control, reason: 'there is a control character' };
  let offset = 0;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    const [first = ''] = token;
    const name = before === beforeScalar ? undefined : features[first];
    if (name !== undefined) {
      return { offset, reason: `there is ${name}, which a ${noun} must not have` };
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
function keyFault(document: Document): YamlFault | undefined {
  let fault: YamlFault | undefined;
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
function syntaxReason(code: YAMLError['code'], noun: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'there is a tab, but YAML is indented by spaces';
    case 'MULTIPLE_DOCS':
      return `a second document begins, but a ${noun} is only one`;
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
