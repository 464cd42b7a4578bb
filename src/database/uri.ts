import { readFileSync } from 'node:fs';
import { BankctlError } from '../errors.ts';
import { errnoCode } from './directories.ts';

/** A connection string in a text, with all that follows it on the line, to the next one. */
const anyUri = /(mongodb(?:\+srv)?:\/\/)((?:(?!mongodb(?:\+srv)?:\/\/)[^\n])*)/gi;

/** Options of a connection string that are secrets themselves. */
const secretOption =
  /\b(tlsCertificateKeyFilePassword|proxyPassword|AWS_SESSION_TOKEN)([=:])[^&\s,"'`]+/gi;

const hidden = '***';

/**
 * Replaces the password of every connection string in a text. People paste passwords with
 * characters that should have been escaped, white space among them, so that it is not clear where
 * one ends: more is hidden rather than less, up to the last @ of the line.
 */
export function redact(text: string): string {
  return text
    .replace(anyUri, (_, scheme: string, rest: string) => scheme + withoutPassword(rest))
    .replace(secretOption, `$1$2${hidden}`);
}

function withoutPassword(rest: string): string {
  const colon = rest.indexOf(':');
  const at = rest.lastIndexOf('@');
  if (colon !== -1 && colon < at) return `${rest.slice(0, colon)}:${hidden}${rest.slice(at)}`;
  if (at !== -1) return rest;
  // Without an @ this is a list of hosts, or the host was forgotten and this is a password.
  return hostList.test(rest) ? rest : rest.replace(/^([^\s:]*:)[^\s"'<>]+/, `$1${hidden}`);
}

/** Hosts with ports, to something that ends them. */
const hostList =
  /^(?:(?:\[[\da-f:.]+\]|[^\s:,/?"']*)(?::\d{1,5})?(?:,|(?=[\s/?.;)"'`<>\]]|:?$|:\s)))+/i;

/** Whether a connection string carries a password. */
export function hasPassword(uri: string): boolean {
  return passwordOf(uri) !== undefined || new RegExp(secretOption.source, 'i').test(uri);
}

/** The password as it stands in a connection string, still escaped; undefined if there is none. */
export function passwordOf(uri: string): string | undefined {
  const [, userInfo] = /^mongodb(?:\+srv)?:\/\/(.*)@/is.exec(uri) ?? [];
  if (userInfo === undefined) return undefined;
  const colon = userInfo.indexOf(':');
  return colon === -1 || colon === userInfo.length - 1 ? undefined : userInfo.slice(colon + 1);
}

/**
 * The hosts of a connection string, as a person would name them: `a:27017, b:27017`, or the path
 * of a socket.
 */
export function hostsOf(uri: string): string {
  const authority = uri.replace(/^[\w+]*:\/\//, '').replace(/^.*@/s, '');
  const [hosts = ''] = /^[^/?]*/.exec(authority) ?? [];
  return hosts
    .split(',')
    .map((host) => decoded(host) ?? host)
    .join(', ');
}

/**
 * The connection string in a file, which keeps its password out of the process list and the
 * shell's history.
 *
 * @throws BankctlError `invalid_uri` where the file cannot be read, is empty or holds anything else
 */
export function readUriFile(path: string): string {
  const text = readText(path)
    .replace(/^\uFEFF/, '')
    .trim();
  const refuse = (reason: string) =>
    new BankctlError('invalid_uri', `The file ${path} of --uri-file ${reason}.`);
  if (text === '') throw refuse('is empty');
  if (/[\r\n]/.test(text)) throw refuse('has more than one line');
  return checkUri(text);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = readFailures.get(errnoCode(error) ?? '');
    if (reason === undefined) throw error;
    throw new BankctlError(
      'invalid_uri',
      `The file ${path} of --uri-file ${reason}.`,
      'Check the path and its permissions.',
      { cause: error },
    );
  }
}

const readFailures: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['ENOTDIR', 'does not exist'],
  ['EISDIR', 'is a directory'],
  ['EACCES', 'may not be read by you'],
  ['EPERM', 'may not be read by you'],
  ['ELOOP', 'has too many symbolic links'],
  ['ENAMETOOLONG', 'has too long a name'],
]);

/**
 * Checks a connection string as far as that goes without the driver, which checks its options when
 * it connects. See the manual's page on connection strings.
 *
 * @returns the same string
 * @throws BankctlError `invalid_uri`, never with the password
 */
export function checkUri(uri: string): string {
  const reason = uriFault(uri);
  if (reason === undefined) return uri;
  throw new BankctlError('invalid_uri', `The connection string ${quoted(uri)} ${reason}.`);
}

function quoted(uri: string): string {
  const shown = redact(uri).replace(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
  return `"${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}"`;
}

function uriFault(uri: string): string | undefined {
  if (uri.trim() === '') return 'is empty';
  const [, scheme, rest = ''] = /^(mongodb(?:\+srv)?):\/\/(.*)$/s.exec(uri) ?? [];
  if (scheme === undefined) return 'does not begin with mongodb:// or mongodb+srv://';
  if (/[\s\p{Cc}]/u.test(uri)) return 'has white space or control characters in it';
  const at = rest.lastIndexOf('@');
  if (at !== -1 && /[@/?]/.test(rest.slice(0, at))) {
    return 'has an @, / or ? in its user name or password, which must be written %40, %2F or %3F';
  }
  const [hosts = ''] = /^[^/?]*/.exec(rest.slice(at + 1)) ?? [];
  if (hosts === '') return 'names no host';
  if (decoded(rest.slice(0, at + 1)) === undefined || decoded(hosts) === undefined) {
    return 'has a % that is not followed by two hexadecimal digits; write it %25';
  }
  return scheme === 'mongodb+srv' ? srvFault(hosts) : hosts.split(',').map(hostFault).find(Boolean);
}

function srvFault(host: string): string | undefined {
  if (host.includes(',')) return 'names more than one host, which mongodb+srv:// does not allow';
  return host.includes(':') ? 'has a port, which mongodb+srv:// does not allow' : undefined;
}

function hostFault(host: string): string | undefined {
  if (host === '') return 'has an empty host in its list';
  const port = /^(?:\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(host)?.[1];
  if (port === undefined)
    return /^(\[.*\]|[^:]*)$/s.test(host) ? undefined : 'has a host with two colons';
  const sound = /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65535;
  return sound ? undefined : `has a port that is not a number from 1 to 65535`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
