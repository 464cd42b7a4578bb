import { BankctlError } from './errors.ts';
import { visible } from './text.ts';
import { decoded } from './uri.ts';

/**
 * One line for a person: a message, a hint or a notice. No password stays in it, and nothing
 * that drives the terminal. Everything that goes to stderr comes through here.
 *
 * @param uris connection strings in use: a driver may quote any part of them
 */
export function forPerson(text: string, uris: readonly (string | undefined)[] = []): string {
  return visible(withoutSecrets(text, uris));
}

/** The same for text of several lines, such as a stack trace. */
export function linesForPerson(text: string, uris: readonly (string | undefined)[] = []): string {
  return withoutSecrets(text, uris).split('\n').map(visible).join('\n');
}

/** Text without the passwords of any URL in it, nor those of the given connection strings. */
export function withoutSecrets(text: string, uris: readonly (string | undefined)[]): string {
  const secrets = uris.flatMap((uri) => (uri === undefined ? [] : secretsOf(uri)));
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), redact(text));
}

/** The same error if its texts hold no secret; otherwise one without the secrets. */
export function withoutSecretsIn(error: unknown, uris: readonly (string | undefined)[]): unknown {
  if (!(error instanceof Error)) return error;
  const clean = (text: string) => withoutSecrets(text, uris);
  const { message, stack = '' } = error;
  if (error instanceof BankctlError) {
    const { code, hint } = error;
    if (clean(message) === message && clean(hint) === hint) return error;
    return new BankctlError(code, clean(message), clean(hint), { cause: error });
  }
  if (clean(message) === message && clean(stack) === stack) return error;
  const shown = new Error(clean(message));
  shown.stack = clean(stack);
  return shown;
}

/** As typed, and as sent to the server. A word of three letters could occur anywhere. */
function secretsOf(uri: string): readonly string[] {
  const password = passwordOf(uri);
  if (password === undefined || password.length < 4) return [];
  return [password, decoded(password) ?? password];
}

/** Where a connection string of MongoDB begins; people leave out a slash. */
const mongodbScheme = /mongodb(?:\+srv)?:\/{1,2}/i;

/** `scheme://user:` of any scheme. The bound keeps the search linear in the text. */
const userOfAnyScheme = /[a-z][a-z\d+.-]{0,31}:\/\/(?!\[)[^\s/?#"'<>:@]*:/gi;

/** What follows the colon of `https://host:80/` and `https://host: it is gone`. */
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
 * beyond it if what follows cannot be a port.
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

/**
 * For a text without connection strings of MongoDB, where the colon in a URL is usually the port's.
 */
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

/** Whether the text begins with a list of hosts, each with or without a port. */
function isHostList(text: string): boolean {
  const [authority = ''] = /^[^\s"'<>/?]*/.exec(text) ?? [];
  return authority
    .slice(0, authority.length - trailing(authority))
    .split(',')
    .every((host) => /^(?:\[[\da-f:.]+\]|[^:]*)(?::\d{1,5})?$/i.test(host));
}

/** How many characters at the end belong to the sentence rather than to the host. */
function trailing(authority: string): number {
  let count = 0;
  while (/[.;:,)`]/.test(authority.at(-1 - count) ?? '')) count += 1;
  return count;
}

/** Whether a connection string carries a password, or an option that is a secret itself. */
export function hasPassword(uri: string): boolean {
  return passwordOf(uri) !== undefined || withoutSecretOptions(uri) !== uri;
}

/** The password as written in a connection string, still escaped; undefined if there is none. */
function passwordOf(uri: string): string | undefined {
  const colon = passwordColon(uri);
  const password = colon === -1 ? '' : uri.slice(colon + 1, uri.lastIndexOf('@'));
  return password === '' ? undefined : password;
}

/** How a string that is meant as a connection string begins, right or wrong. */
const meantScheme = /^\s*(?:mongodb(?:\+srv)?:\/{0,2}|[a-z][a-z\d+.-]*:\/\/)/i;

/** Where the colon before the password is: the first one after the scheme; -1 if there is none. */
function passwordColon(uri: string): number {
  const [scheme = ''] = meantScheme.exec(uri) ?? [];
  const at = uri.lastIndexOf('@');
  const after = uri.indexOf(':', scheme.length);
  if (after !== -1 && after < at) return after;
  // `mongodb:pw@host` is a user of that name, as far as we can know.
  const first = scheme.endsWith('//') ? -1 : uri.indexOf(':');
  return first < at ? first : -1;
}
