/** The user of a connection string, which is no secret; undefined if there is none. */
export function userOf(uri: string): string | undefined {
  const [, user] = /^mongodb(?:\+srv)?:\/\/([^:@/?]+)(?::[^@]*)?@/i.exec(uri) ?? [];
  return user === undefined ? undefined : decodedOr(user);
}

/** An option of a connection string, by its name in any case; undefined if it is not given. */
export function uriOption(uri: string, name: string): string | undefined {
  const [, query = ''] = /\?([^?]*)$/.exec(uri) ?? [];
  for (const [key, value] of new URLSearchParams(query)) {
    if (key.toLowerCase() === name.toLowerCase()) return value;
  }
  return undefined;
}

/** The database in which the server looks a user up. Source: MongoDB manual, "authSource". */
export function authDatabase(uri: string): string {
  const [, path = ''] = /^[\w+]+:\/\/[^/?]*\/([^?]*)/.exec(uri) ?? [];
  return uriOption(uri, 'authSource') ?? (path === '' ? 'admin' : decodedOr(path));
}

function decodedOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
