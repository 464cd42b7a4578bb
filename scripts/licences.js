// The licences of what dist holds of others, which ask that their texts go with it.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The directories of the packages in a bundle, such as `node_modules/mongodb`, by esbuild's metafile. */
export function packagesOf({ inputs }) {
  const directory = /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/;
  return new Set(Object.keys(inputs).flatMap((path) => directory.exec(path) ?? []));
}

/**
 * All their texts as one, in the order of their names: one heading a package.
 *
 * @throws Error for a package that has none
 */
export async function licenceTexts(directories) {
  const packages = await Promise.all([...directories].map(readPackage));
  const sections = packages
    .sort((a, b) => (a.heading < b.heading ? -1 : 1))
    .filter(({ heading }, index, all) => heading !== all[index - 1]?.heading)
    .map(
      ({ heading, texts }) =>
        `${heading}\n${'-'.repeat(heading.length)}\n\n${texts.join('\n\n')}\n`,
    );
  return `bankctl contains parts of these packages.\n\n${sections.join('\n\n')}`;
}

async function readPackage(directory) {
  const { name, version, license, author } = JSON.parse(
    await readFile(join(directory, 'package.json'), 'utf8'),
  );
  const files = (await readdir(directory)).filter((file) => licenceFile.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
  if (files.length === 0) texts.push(await withoutFile(name, license, author));
  return { heading: `${name} ${version} (${license})`, texts: texts.map((text) => text.trim()) };
}

const licenceFile = /^(licen[cs]e|copying|notice)/i;

/** A few packages name the MIT licence and their author, and leave out the text that it asks for. */
async function withoutFile(name, license, author) {
  const holder = typeof author === 'string' ? author : author?.name;
  if (!/^MIT\b/.test(license) || holder === undefined) {
    throw new Error(`${name} (${license}) has no file with its licence.`);
  }
  // Ours is the same licence.
  const mit = await readFile('LICENSE', 'utf8');
  return `Copyright (c) ${holder}\n\n${mit.slice(mit.indexOf('Permission is'))}`;
}
