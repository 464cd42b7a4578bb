import { BankctlError } from './errors.ts';

/** An option of a connection string. */
interface UriOption {
  /** As it is written. */
  readonly text: string;
  /** Decoded and in lower case, as the driver compares it. */
  readonly name: string;
  readonly value: string;
}

/**
 * The options of a connection string, read as the driver reads them: names in any case, percent
 * signs decoded, a plus as a space. Source: the URL standard, `application/x-www-form-urlencoded`.
 */
export function uriOptions(uri: string): readonly UriOption[] {
  const [, query = ''] = /\?(.*)$/s.exec(uri) ?? [];
  return query
    .split('&')
    .filter((text) => text !== '')
    .map((text) => {
      const [[name, value] = ['', '']] = new URLSearchParams(`&${text}`);
      return { text, name: name.toLowerCase(), value };
    });
}

/** The value of an option, by its name in any case; undefined if it is not given. */
export function uriOption(uri: string, option: string): string | undefined {
  return uriOptions(uri).find(({ name }) => name === option.toLowerCase())?.value;
}

/** The user of a connection string, which is no secret; undefined if there is none. */
export function userOf(uri: string): string | undefined {
  const [, user] = /^mongodb(?:\+srv)?:\/\/([^:@/?]+)(?::[^@]*)?@/i.exec(uri) ?? [];
  return user && (decoded(user) ?? user);
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

/** The database in which the server looks a user up. Source: MongoDB manual, "authSource". */
export function authDatabase(uri: string): string {
  return uriOption(uri, 'authSource') ?? databaseOf(uri) ?? 'admin';
}

/**
 * Checks a connection string as far as possible without the driver, which checks its options when
 * it connects. See the manual's page on connection strings.
 *
 * @param origin where it came from, as in `The connection string in BANKCTL_URI`; the string itself
 *   is never shown, since somebody may have typed a password there instead
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

/** Text with its percent escapes decoded; undefined if they are not valid. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
