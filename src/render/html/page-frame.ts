import { createHash } from 'node:crypto';
import { html, type Markup } from './markup.ts';

/** A page's own style sheet, and its script if it has one; bundled when bankctl is built. */
export interface PageParts {
  readonly style: string;
  readonly script?: string;
}

/** What a page shows. */
interface PageContent {
  readonly title: string;
  /** Where the link at the top leads, past everything else. */
  readonly skip: { readonly id: string; readonly name: string };
  readonly body: Markup;
  /** Before the script, for the script. */
  readonly data?: Markup;
}

/**
 * A self-contained page that loads nothing. Its content security policy lets only this script and
 * this style take effect, so that even a mistake in escaping would run nothing.
 */
export function framedPage(content: PageContent, { style, script }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src ${script === undefined ? "'none'" : `'${digest(script)}'`}`,
    `style-src '${digest(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const { title, skip, body, data } = content;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<a class="skip" href="#${skip.id}">Skip to ${skip.name}</a>
${body}
${data}${script === undefined ? '' : html`<script>${raw(script)}</script>\n`}</body>
</html>
`;
  return page.markup;
}

/** Our own script or style sheet, as it was built: no part of it comes from a run. */
function raw(text: string): Markup {
  return { markup: text };
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
