/** Why a bank cannot be kept in a database of that name; undefined when it can. */
export function databaseNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name.length > 63) return 'is longer than 63 characters';
  if (/[/\\. "$*<>:|?\0]/.test(name)) return 'has a character that MongoDB does not allow';
  return ['admin', 'local', 'config'].includes(name)
    ? "is one of MongoDB's own databases"
    : undefined;
}
