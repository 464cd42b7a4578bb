import { BankctlError } from '../errors.ts';

export { uriFromFile } from './uri-file.ts';

/** Where a connection string of MongoDB begins; people leave out a slash. */
const mongodbScheme = /mongodb(?:\+srv)?:\/{1,2}/i;

/** `scheme://user:` of any scheme. The bound keeps the search linear in the text. */
const userOfAnyScheme = /[a-z][a-z\d+.-]{0,31}:\/\/(?!\[)[^\s/?#"'<>:@]*:/gi;

/** What stands behind the colon of `https://host:80/` and `https://host: it is gone`. */
const portOrProse = /(?:\d{1,5}(?=[\s/?#.,;:)"'`<>\]]|$)|(?=[\s)"'`<>]|$))/y;

const endOfWord = /[\s"'<>]|$/g;

/** The rest of the line, and the next lines as far as they begin without white space. */
const lineOn = /[^\n]*(?:\n+\S+)*/y;

/** Options of a connection string that are secrets themselves. */
const secretOption =
  /\b(tlsCertificateKeyFilePassword|proxyPassword|AWS_SESSION_TOKEN)([=:])[^&\s,"'`]+/gi;

const hidden = '***';

/**
 * Replaces the passwords of all URLs in any text, in a time linear in its length. People paste
 * passwords with characters that should have been escaped, white space among them, so that it is
 * not clear where one ends: more is hidden rather than less, up to the last @ of the line, and
 * beyond it where what stands there can be no port.
 */
export function redact(text: string): string {
  return text
    .split(new RegExp(`(?=${mongodbScheme.source})`, 'i'))
    .map((piece) => {
      const scheme = mongodbScheme.exec(piece);
      if (scheme?.index !== 0) return withoutPasswords(piece);
      const rest = piece.slice(scheme[0].length);
      return scheme[0] + withoutMongodbPassword(rest);
    })
    .join('')
    .replace(secretOption, `$1$2${hidden}`);
}

function withoutMongodbPassword(rest: string): string {
  const sound = isHostList(rest);
  const colon = rest.indexOf(':');
  const inLine = matchAt(lineOn, rest, 0).lastIndexOf('@');
  const at = inLine !== -1 || sound ? inLine : rest.lastIndexOf('@');
  if (colon !== -1 && colon < at) {
    return `${rest.slice(0, colon)}:${hidden}${withoutPasswords(rest.slice(at))}`;
  }
  // Without an @ this is a list of hosts, or the host was forgotten and this is a password.
  const shown = at !== -1 || sound ? rest : rest.replace(/^([^\s:]*:)[^\s"'<>]+/, `$1${hidden}`);
  return withoutPasswords(shown);
}

/** For a text without connection strings of MongoDB, where a URL's colon is mostly a port's. */
function withoutPasswords(text: string): string {
  const lastAt = text.lastIndexOf('@');
  let shown = '';
  let done = 0;
  let word = { end: 0, at: -1 };
  for (const match of text.matchAll(userOfAnyScheme)) {
    const from = match.index + match[0].length;
    if (from > lastAt) break;
    if (match.index < done) continue;
    if (from >= word.end) word = wordAt(text, from);
    const to = hasPort(text, from) ? word.at : lastOfLine(text, from, lastAt);
    if (to < from) continue;
    shown += text.slice(done, from) + hidden;
    done = to;
  }
  return shown + text.slice(done);
}

function wordAt(text: string, from: number): { readonly end: number; readonly at: number } {
  endOfWord.lastIndex = from;
  const end = endOfWord.exec(text)?.index ?? text.length;
  const at = text.slice(from, end).lastIndexOf('@');
  return { end, at: at === -1 ? -1 : from + at };
}

function lastOfLine(text: string, from: number, otherwise: number): number {
  const at = matchAt(lineOn, text, from).lastIndexOf('@');
  return at === -1 ? otherwise : from + at;
}

function hasPort(text: string, from: number): boolean {
  portOrProse.lastIndex = from;
  return portOrProse.test(text);
}

function matchAt(sticky: RegExp, text: string, from: number): string {
  sticky.lastIndex = from;
  return sticky.exec(text)?.[0] ?? '';
}

/** Whether hosts with ports stand there, to something that ends them. */
function isHostList(text: string): boolean {
  const [authority = ''] = /^[^\s"'<>/?]*/.exec(text) ?? [];
  return authority
    .slice(0, authority.length - trailing(authority))
    .split(',')
    .every((host) => /^(?:\[[\da-f:.]+\]|[^:]*)(?::\d{1,5})?$/i.test(host));
}

/** How many characters at the end are the sentence's rather than the host's. */
function trailing(authority: string): number {
  let count = 0;
  while (/[.;:,)`]/.test(authority.at(-1 - count) ?? '')) count += 1;
  return count;
}

/** Whether a connection string carries a password. */
export function hasPassword(uri: string): boolean {
  return passwordOf(uri) !== undefined || new RegExp(secretOption.source, 'i').test(uri);
}

/** The password as it stands in a connection string, still escaped; undefined if there is none. */
export function passwordOf(uri: string): string | undefined {
  const colon = passwordColon(uri);
  const password = colon === -1 ? '' : uri.slice(colon + 1, uri.lastIndexOf('@'));
  return password === '' ? undefined : password;
}

/** What a string that is meant as a connection string begins with, right or wrong. */
const meantScheme = /^\s*(?:mongodb(?:\+srv)?:\/{0,2}|[a-z][a-z\d+.-]*:\/\/)/i;

/** Where the colon before the password is: the first one behind the scheme; -1 if there is none. */
function passwordColon(uri: string): number {
  const [scheme = ''] = meantScheme.exec(uri) ?? [];
  const at = uri.lastIndexOf('@');
  const behind = uri.indexOf(':', scheme.length);
  if (behind !== -1 && behind < at) return behind;
  // `mongodb:pw@host` is a user of that name, as far as we can know.
  const first = scheme.endsWith('//') ? -1 : uri.indexOf(':');
  return first < at ? first : -1;
}

/** A string that is known to be meant as a connection string, without its password. */
function withoutPassword(uri: string): string {
  const [scheme = ''] = meantScheme.exec(uri) ?? [];
  const colon = passwordColon(uri);
  if (colon !== -1) return `${uri.slice(0, colon + 1)}${hidden}${uri.slice(uri.lastIndexOf('@'))}`;
  const rest = uri.slice(scheme.length);
  // Where the host was forgotten, all behind the colon is the password.
  return uri.includes('@') || isHostList(rest)
    ? uri
    : scheme + rest.replace(/^([^:]*:).*$/s, `$1${hidden}`);
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
 * Checks a connection string as far as that goes without the driver, which checks its options when
 * it connects. See the manual's page on connection strings.
 *
 * @param name what the message calls it; the string itself, without its password, if left out
 * @returns the same string
 * @throws BankctlError `invalid_uri`, never with the password
 */
export function checkUri(uri: string, name = quoted(uri)): string {
  const reason = uriFault(uri);
  if (reason === undefined) return uri;
  throw new BankctlError('invalid_uri', `The connection string ${name} ${reason}.`);
}

function quoted(uri: string): string {
  const shown = redact(withoutPassword(uri)).replace(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
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
