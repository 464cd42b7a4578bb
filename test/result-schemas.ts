import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { errorSchema, noticeSchema } from '../src/commands/error-schema.ts';
import { commands } from '../src/commands/index.ts';
import type { Schema } from '../src/commands/result-schema.ts';
import { asksForJson } from '../src/render/formats.ts';

/** What a command line printed. */
interface Printed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false });
const compiled = new Map<Schema, ValidateFunction>();

/** Words of command lines that print something else. */
const notResults = /^(-h|--help|-V|--version|help|__complete)$/;

/** What is wrong with a value, by a schema; empty if nothing is. */
export function faults(schema: Schema, value: unknown): string {
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  return validate(value) ? '' : (validate.errors ?? []).map(faultText).join('; ');
}

/**
 * Checks all JSON that a command line printed against the schemas that `describe` states.
 *
 * @throws Error with what does not fit
 */
export function checkJson(argv: readonly string[], { status, stdout, stderr }: Printed): void {
  if (!asksForJson(argv) || argv.some((word) => notResults.test(word))) return;
  for (const line of stderr.split('\n')) checkTalk(line);
  const name = argv.find((word) => commands.some((one) => one.name === word));
  const command = commands.find((one) => one.name === name);
  if (!command || stdout === '') return;
  const forms = (list: boolean) => command.results.filter((form) => form.list === list);
  const requireFit = (value: unknown, among: typeof command.results) => {
    const wrong = among.map(({ schema }) => faults(schema, value));
    if (wrong.includes('')) return;
    const shown = JSON.stringify(value).slice(0, 2_000);
    const reasons = wrong.length === 0 ? 'there is no schema for it' : wrong.join('\n or ');
    throw new Error(`bankctl ${argv.join(' ')} printed ${shown}, but ${reasons}`);
  };
  if (/ndjson/.test(argv.filter((word, at) => isFormat(word, argv[at - 1])).join())) {
    for (const line of stdout.split('\n').slice(0, -1))
      requireFit(JSON.parse(line), command.results);
    return;
  }
  const value = parsed(stdout, status);
  if (Array.isArray(value)) for (const item of value) requireFit(item, forms(true));
  else if (value !== undefined) requireFit(value, forms(false));
}

function isFormat(word: string, before: string | undefined): boolean {
  return /^(--output=|-o=?)./.test(word) || /^(--output|-o)$/.test(before ?? '');
}

/** A list that broke off in the middle has a status to say so. */
function parsed(text: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (status === 0) throw error;
    return undefined;
  }
}

/** Each line is one object; on a terminal, progress may have been redrawn before it. */
function checkTalk(written: string): void {
  const line = written.split('\r\x1b[2K').at(-1) ?? '';
  if (line === '') return;
  const schema = line.startsWith('{"error"') ? errorSchema : noticeSchema;
  const wrong = isJson(line) ? faults(schema, JSON.parse(line)) : 'it is no JSON';
  if (wrong !== '') throw new Error(`${line}: ${wrong}`);
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function faultText({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || 'it'} ${message} ${JSON.stringify(params)}`;
}
