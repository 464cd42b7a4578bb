import { BankctlError } from './errors.ts';
import { visible } from './text.ts';
import { passwordOf, redact } from './uri.ts';

/**
 * One line for a person: a message, a hint, a line of talk. No password stays in it, and nothing
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

/** The same error, if no secret is in what it says; otherwise one that says it without. */
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

/** As it is typed, and as the server is sent it. A word of three letters stands anywhere. */
function secretsOf(uri: string): readonly string[] {
  const password = passwordOf(uri);
  if (password === undefined || password.length < 4) return [];
  return [password, decodedOr(password)];
}

function decodedOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
