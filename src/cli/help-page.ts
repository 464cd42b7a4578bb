import { join } from 'node:path';

/** The pages that `bankctl help NAME` prints, besides the help of each command. */
export const helpPages = ['config', 'files', 'errors', 'legacy', 'mongodb', 'security', 'tutorial'];

/** A page of the documentation that is installed with bankctl; undefined if it has none such. */
export async function helpPage(name: string): Promise<string | undefined> {
  if (!helpPages.includes(name)) return undefined;
  const { readFile } = await import('node:fs/promises');
  // From the bundle, and from the sources.
  for (const above of ['..', '../..']) {
    const page = join(import.meta.dirname, above, 'docs', `${name}.md`);
    const text = await readFile(page, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}
