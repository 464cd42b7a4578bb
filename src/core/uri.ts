import { BankctlError } from './errors.ts';

/** Where a connection string of MongoDB begins; people leave out a slash. */
const mongodbScheme = /mongodb(?:\+srv)?:\/{1,2}/i;

/** `scheme://user:` of any scheme. The bound keeps the search linear in the text. */
const userOfAnyScheme = /[a-z][a-z\d+.-]{0,31}:\/\/(?!\[)[^\s/?#"'<>:@]*:/gi;

/** What stands behind the colon of `https://host:80/` and `https://host: it is gone`. */
const portOrProse = /(?:\d{1,5}(?=[\s/?#.,;:)"'`<>\]]|$)|(?=[\s)"'`<>]|$))/y;

const endOfWord = /[\s"'<>]|$/g;

/** The rest of the line, and the next lines as far as they begin without white space. */
const lineOn = /[^\n]*(?:\n+\S+)*/y;

/** The name of an option of a connection string, or of a property of one. */
const optionName = /(?<![\w%])([\w%]+)[=:]/g;

/** Those that are secrets themselves. */
const secretOptions: ReadonlySet<string> = new Set([
  'tlscertificatekeyfilepassword',
  'proxypassword',
  'aws_session_token',
]);

const endOfOption = /[&\n]|$/g;

const hidden = '***';

/**
 * Replaces the passwords of all URLs in any text, in a time linear in its length. People paste
 * passwords with characters that should have been escaped, white space among them, so that it is
 * not clear where one ends: more is hidden rather than less, up to the last @ of the line, and
 * beyond it where what stands there can be no port.
 */
export function redact(text: string): string {
  const shown = text
    .split(new RegExp(`(?=${mongodbScheme.source})`, 'i'))
    .map((piece) => {
      const scheme = mongodbScheme.exec(piece);
      if (scheme?.index !== 0) return withoutPasswords(piece);
      const rest = piece.slice(scheme[0].length);
      return scheme[0] + withoutMongodbPassword(rest);
    })
    .join('');
  return withoutSecretOptions(shown);
}

/** A value may have white space by mistake, so all is hidden to the next option. */
function withoutSecretOptions(text: string): string {
  let shown = '';
  let done = 0;
  for (const match of text.matchAll(optionName)) {
    const [all, name = ''] = match;
    if (match.index < done || !secretOptions.has((decoded(name) ?? name).toLowerCase())) continue;
    const from = match.index + all.length;
    endOfOption.lastIndex = from;
    const end = endOfOption.exec(text)?.index ?? text.length;
    if (end === from) continue;
    shown += text.slice(done, from) + hidden;
    done = end;
  }
  return shown + text.slice(done);
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

/** Whether a connection string carries a password, or an option that is a secret itself. */
export function hasPassword(uri: string): boolean {
  return passwordOf(uri) !== undefined || withoutSecretOptions(uri) !== uri;
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
 * The database that a connection string names, which is where its user is looked up as well if it
 * has no authSource; undefined if it names none.
 */
export function databaseOf(uri: string): string | undefined {
  const [, path = ''] = /^[\w+]*:\/\/(?:.*@)?[^/?]*\/([^?]*)/s.exec(uri) ?? [];
  return path === '' ? undefined : (decoded(path) ?? path);
}

/**
 * Checks a connection string as far as that goes without the driver, which checks its options when
 * it connects. See the manual's page on connection strings.
 *
 * @param origin where it stands, as in `The connection string in BANKCTL_URI`; the string itself
 *   is never shown, since what was typed in its place may be a password
 * @returns the same string
 * @throws BankctlError `invalid_uri`
 */
export function checkUri(uri: string, origin: string): string {
  const reason = uriFault(uri);
  if (reason === undefined) return uri;
  throw new BankctlError('invalid_uri', `The connection string ${origin} ${reason}.`);
}

const escapes =
  'must be percent-encoded: @ is %40, : is %3A, / is %2F, ? is %3F, # is %23, [ is %5B, ' +
  '] is %5D, % is %25, and a space is %20';

function uriFault(uri: string): string | undefined {
  if (uri.trim() === '') return 'is empty';
  if (/^\s*["'`\u2018-\u201f]|["'`\u2018-\u201f]\s*$/.test(uri)) {
    return 'has quotation marks around it, which belong to the shell: leave them out';
  }
  if (/^\s*(?:export\s+)?\w+\s*=/.test(uri)) {
    return 'begins with the name of a variable: leave that and the = out';
  }
  const [, scheme, rest = ''] = /^(mongodb(?:\+srv)?):\/\/(.*)$/s.exec(uri) ?? [];
  if (scheme === undefined) return 'does not begin with mongodb:// or mongodb+srv://';
  const at = rest.lastIndexOf('@');
  const [user = '', ...password] = rest.slice(0, Math.max(at, 0)).split(':');
  const isEscaped = (part: string) => /^[^\s\p{Cc}@/?#[\]]*$/u.test(part);
  const sound = isEscaped(user) && isEscaped(password[0] ?? '');
  if (!sound || password.length > 1 || decoded(rest.slice(0, at + 1)) === undefined) {
    return `has a user name or password with characters that ${escapes}`;
  }
  if (/[\s\p{Cc}]/u.test(uri)) return 'has white space or control characters in it';
  if (uri.includes('#'))
    return `has a #; in a user name or password, special characters ${escapes}`;
  const [hosts = ''] = /^[^/?]*/.exec(rest.slice(at + 1)) ?? [];
  if (hosts === '') return 'names no host';
  if (decoded(hosts) === undefined) {
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
