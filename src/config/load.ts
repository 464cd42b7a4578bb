import { parseDocument, type YAMLError } from 'yaml';
import { BankctlError } from '../errors.ts';
import type { Config } from './config.ts';
import { validateConfig } from './schema.ts';

/**
 * Parses and validates the text of a config file. JSON is a subset of YAML, so one parser reads
 * both and finds a key that stands twice in either.
 *
 * @throws `invalid_config`, with the file, each key and the reason
 */
export function loadConfig(path: string, text: string): Config {
  const document = parseDocument(text, { uniqueKeys: true, strict: true, prettyErrors: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    throw new BankctlError(
      'invalid_config',
      `${path}, ${place(problem, text)}: ${reason(problem)}`,
    );
  }
  const validated = validateConfig(path, toPlain(document, path));
  if ('branches' in validated) return validated;
  const reasons = validated.map(({ key, reason }) => `${key}: ${reason}`).join('; ');
  throw new BankctlError('invalid_config', `${path}: ${reasons}.`);
}

function toPlain(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 10 });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new BankctlError('invalid_config', `${path}: ${message}.`, undefined, { cause: error });
  }
}

function place(problem: YAMLError, text: string): string {
  const before = text.slice(0, problem.pos[0]).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}

function reason(problem: YAMLError): string {
  const [first = ''] = problem.message.split('\n');
  return first.replace(/\.?$/, '.');
}
