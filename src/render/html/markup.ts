import { jsonText, visible, visibleTexts } from '../../core/text.ts';

/** Text that is known to be safe in a page, because every part of it went through `html`. */
export interface Markup {
  readonly markup: string;
}

/** What can be put into a template. Only `Markup` is taken as it is; everything else is escaped. */
export type Content = Markup | string | number | null | undefined | readonly Content[];

/**
 * A template of HTML. Whatever is put in is text, or the value of an attribute between double
 * quotes, and cannot become anything else.
 */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const pieces = parts.map((part, index) => part + contentText(contents[index]));
  return { markup: pieces.join('') };
}

function contentText(content: Content): string {
  if (content === null || content === undefined) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return String(content);
  return 'markup' in content ? content.markup : content.map(contentText).join('');
}

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text that shows as it is; invisible and direction-changing characters are shown as their codes.
 */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => references[character] ?? character);
}

/**
 * Data for a script element of a type that is not run. `<` is the only character with which a text
 * could end that element or begin another. The page shows its texts, so they are made visible.
 *
 * Source: HTML standard, "Restrictions for contents of script elements".
 */
export function jsonForScript(data: unknown): Markup {
  return { markup: jsonText(visibleTexts(data)).replace(/</g, '\\u003c') };
}

/** `left_switched` reads as `left switched`. */
export function readable(name: string): string {
  return name.replaceAll('_', ' ');
}
