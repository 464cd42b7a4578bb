import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { inject, onTestFinished } from 'vitest';

const pictures = join(import.meta.dirname, '../../test-results');

/** A browser of its own, with a fresh profile, that asks nobody for anything. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: inject('chromium'),
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page with a report in it, and what it did that it should not. */
export interface OpenedReport {
  readonly page: Page;
  /** Requests for anything but the page itself, messages on the console, errors, dialogs. */
  readonly complaints: readonly string[];
  /** Takes a picture of the whole page, to be looked at. */
  readonly picture: (name: string) => Promise<void>;
}

/** Opens a report as a user would: from a file. */
export async function openReport(
  browser: Browser,
  path: string,
  options: BrowserContextOptions = {},
): Promise<OpenedReport> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  const url = pathToFileURL(path).href;
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== url) complaints.push(`request ${request.url()}`);
  });
  page.on('console', (message) => complaints.push(`${message.type()} ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`error ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  const picture = async (name: string) => {
    await mkdir(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  };
  return { page, complaints, picture };
}

/** A directory that is gone when all is done, and a way to put a page in it. */
export async function reportDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-report-'));
  return {
    directory,
    write: async (name: string, text: string) => {
      const path = join(directory, name);
      await writeFile(path, text);
      return path;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
