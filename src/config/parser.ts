import { BankctlError } from '../core/errors.ts';
import { asSentence } from '../core/text.ts';
import type { Config } from './config.ts';
import { validateConfig } from './schema.ts';
import { placeIn, readStrictYaml } from './strict-yaml.ts';

/** Nobody reads more. */
const maxReasons = 10;

/**
 * Parses and validates the text of a config file. If the file is not a config, nothing is shown but
 * the offending key: it may hold anything.
 *
 * @throws `invalid_config`, with the file, each key and the reason
 */
export function loadConfig(path: string, text: string): Config {
  const read = readStrictYaml(text, 'config');
  if ('reason' in read) {
    const place = placeIn(text, read.offset);
    throw new BankctlError('invalid_config', `${path}, ${place}: ${read.reason}.`);
  }
  const validated = validateConfig(path, read.value);
  if ('branches' in validated) return validated;
  const reasons = validated.slice(0, maxReasons).map(({ key, reason }) => `${key} ${reason}`);
  const more = validated.length - reasons.length;
  throw new BankctlError(
    'invalid_config',
    asSentence(`${path}: ${reasons.join('; ')}${more > 0 ? `; and ${more} more` : ''}`),
  );
}
