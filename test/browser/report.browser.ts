import { join } from 'node:path';
import { script, style } from 'virtual:report-page';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { AuditResult } from '../../src/audit/scan/audit.ts';
import { renderAuditReport } from '../../src/render/html/audit-report.ts';
import { renderReport } from '../../src/render/html/document.ts';
import { hostile, hostileReport } from '../render/hostile-report.ts';
import { run } from '../workspace.ts';
import { launch, openReport, reportDirectory } from './open-report.ts';

let browser: Browser;
let files: Awaited<ReturnType<typeof reportDirectory>>;
let load = '';
let exhaustive = '';
let undecided = '';
let audit = '';

beforeAll(async () => {
  files = await reportDirectory();
  browser = await launch();
  const report = async (name: string, options: readonly string[], status = 0) => {
    const path = join(files.directory, name);
    const argv = ['stress', '--uri', inject('uri'), '--report', path, ...options];
    const ran = await run(argv, files.directory, { PATH: process.env['PATH'] ?? '' });
    expect(ran, ran.stderr).toMatchObject({ status });
    return path;
  };
  load = await report('load.html', ['--ops', '1500', '--seed', '7']);
  exhaustive = await report('exhaustive.html', ['--exhaustive', '--points', 'all']);
  audit = await files.write('audit.html', renderAuditReport(auditOf(longAudit), { style }));
  undecided = await report('undecided.html', ['--workers', '3', '--preemptions', '1'], 5);
});

afterAll(async () => {
  await browser?.close();
  await files?.remove();
});

/** Runs in the page. @returns the elements of which a part is out of sight, or needs scrolling */
function cutElements(): readonly string[] {
  const wide = [...document.querySelectorAll('main *, header *')].filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    const isHidden = getComputedStyle(element).position === 'absolute';
    return !isHidden && right > left && (left < 0 || right > window.innerWidth);
  });
  return wide.map(({ tagName, className }) => `${tagName} ${className}`);
}

const findingOf = {
  certain: true,
  cause:
    'Operation "cc8cc4b4-86ff-4027-b9c5-3db26b506a30" of 2026-11-15T12:00:04.000Z was the last.',
  repair: 'bankctl adopt branch1 --outside-writes accepts it; bankctl repair FILE takes it back.',
} as const;

/** Findings with the longest names and amounts. */
const longAudit: AuditResult = {
  findings: [
    {
      ...findingOf,
      ...{ code: 'outside_write', branch: 'branch1', account: 'ACCOUNT-'.repeat(8) },
      ...{ amount: `-${'9'.repeat(22)}.99`, currency: 'USD' },
      detail: `branch1:${'ACCOUNT-'.repeat(8)} has ${'9'.repeat(22)}.99 USD more than it should.`,
    },
    { ...findingOf, code: 'duplicate_account', account: '銀行', detail: '銀行 is there twice.' },
  ],
  more: { lost_write: 12 },
  checked: { accounts: 1_000_000, operations: 12_345_678 },
  unread: [{ branch: 'branch2', collection: 'c'.repeat(100), reason: 'not authorized.' }],
  corrections: [],
  close: () => undefined,
};

function auditOf(result: AuditResult) {
  const madeAt = '2026-11-27T17:00:00.000Z';
  return { result, database: 'd'.repeat(63), branches: ['branch1', 'branch2'], madeAt };
}

describe('at first sight', () => {
  test('the verdict comes first, then each model, then its wrong writes as links', async () => {
    const { page, complaints, picture } = await openReport(browser, exhaustive);
    const header = page.locator('header.verdict');
    expect(await header.locator('h1').innerText()).toContain('demonstrated');
    expect(await header.locator('li').allInnerTexts()).toEqual([
      expect.stringContaining('452 of all 670 schedules end wrong.'),
      expect.stringContaining('0 of all 20 schedules end wrong.'),
    ]);
    expect(await header.locator('a').count()).toBeGreaterThan(0);
    expect(await page.evaluate(() => window.scrollY)).toBe(0);
    expect(complaints).toEqual([]);
    await picture('exhaustive-1400-light');
  });

  test('an undecided run says why', async () => {
    const { page, complaints, picture } = await openReport(browser, undecided);
    expect(await page.locator('h1').innerText()).toContain('undecided');
    expect(await page.locator('.lead').innerText()).toContain('was not tried in full');
    expect(complaints).toEqual([]);
    await picture('undecided-1400-light');
  });

  test('it names what it ran on, and the command that runs it again', async () => {
    const { page } = await openReport(browser, load);
    expect(await page.locator('.command code').innerText()).toMatch(
      /^bankctl stress --ops 1500 --seed 7 --uri \S+$/,
    );
    const facts = await page.locator('.facts dt').allInnerTexts();
    const wanted = ['bankctl', 'mongod', 'node', 'platform', 'seed', 'options', 'made at'];
    expect(facts).toEqual(wanted);
  });
});

describe('the swimlane', () => {
  test('is stepped by the keyboard', async () => {
    const { page, complaints } = await openReport(browser, exhaustive);
    const player = page.locator('.player');
    const position = player.locator('.position');
    const rows = await page.locator('.lane tbody tr').count();
    await player.focus();
    await page.keyboard.press('Home');
    expect(await position.innerText()).toBe(`step 1 of ${rows}`);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    expect(await position.innerText()).toBe(`step 2 of ${rows}`);
    expect(await page.locator('tr[aria-current]').getAttribute('id')).toBe('step-shared-2');
    expect(await page.locator('.box.model').innerText()).toContain('points at branch1');
    expect(await page.locator('.box.pointed h4').innerText()).toBe('branch1');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowRight');
    expect(await position.innerText()).toBe(`step ${rows} of ${rows}`);
    expect(await page.locator('.box li.bad').innerText()).toMatch(
      /^✗ worker 2 wrote, meant for branch2, matched nothing$/,
    );
    expect(complaints).toEqual([]);
  });

  test('is stepped by its buttons, which a keyboard reaches too', async () => {
    const { page } = await openReport(browser, exhaustive);
    const position = page.locator('.position');
    await page.getByRole('button', { name: 'First step' }).click();
    expect(await position.innerText()).toMatch(/^step 1 of/);
    expect(await page.getByRole('button', { name: 'One step back' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'One step on' }).focus();
    await page.keyboard.press('Enter');
    expect(await position.innerText()).toMatch(/^step 2 of/);
    await page.getByRole('button', { name: 'Last step' }).click();
    await page.getByRole('button', { name: 'To what went wrong' }).click();
    expect(await page.locator('tr[aria-current].wrong').count()).toBe(1);
    await page.locator('#step-shared-3').click();
    expect(await position.innerText()).toMatch(/^step 3 of/);
  });

  test('is where the links of the verdict lead', async () => {
    const { page } = await openReport(browser, exhaustive);
    const links = page.locator('header a[href^="#step-"]');
    for (const link of await links.all()) {
      await link.click();
      const id = (await link.getAttribute('href'))?.slice(1);
      await expect.poll(() => page.locator('tr[aria-current]').getAttribute('id')).toBe(id);
      expect(await page.locator('tr[aria-current].wrong').isVisible()).toBe(true);
    }
  });

  test('shows the first wrong write of a load run', async () => {
    const { page, complaints, picture } = await openReport(browser, load);
    expect(await page.locator('tr.wrong').count()).toBe(1);
    expect(await page.locator('.now').innerText()).toContain('✗');
    expect(complaints).toEqual([]);
    await picture('load-1400-light');
  });
});

describe('the charts', () => {
  test('are drawn, and the window has a bar an operation', async () => {
    const { page, complaints } = await openReport(browser, load);
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(4);
    const bars = page.locator('[data-charts="shared"] [data-chart="window"] rect');
    expect(await bars.count()).toBe(160);
    expect(await bars.first().locator('title').textContent()).toMatch(
      /^operation \d+ of worker \d for branch\d: written to \w+/,
    );
    const painted = await page
      .locator('canvas')
      .first()
      .evaluate((element) => {
        if (!(element instanceof HTMLCanvasElement)) return 0;
        const pixels = element.getContext('2d')?.getImageData(0, 0, element.width, element.height);
        return new Set(pixels?.data).size;
      });
    expect(painted).toBeGreaterThan(10);
    expect(complaints).toEqual([]);
  });
});

describe('wherever it is read', () => {
  test.each(['load', 'exhaustive'])('%s in the dark', async (name) => {
    const path = name === 'load' ? load : exhaustive;
    const ground = async (colorScheme: 'light' | 'dark') => {
      const { page, complaints, picture } = await openReport(browser, path, { colorScheme });
      await picture(`${name}-1400-${colorScheme}`);
      expect(complaints).toEqual([]);
      return page.evaluate(() => {
        const { backgroundColor, color } = getComputedStyle(document.documentElement);
        const sum = (text: string) => (text.match(/\d+/g) ?? []).reduce((a, b) => a + Number(b), 0);
        return sum(backgroundColor) - sum(color);
      });
    };
    expect(await ground('light')).toBeGreaterThan(500);
    expect(await ground('dark')).toBeLessThan(-500);
  });

  test.each([400, 1400])('%i pixels wide, nothing sticks out', async (width) => {
    for (const [name, path] of Object.entries({ load, exhaustive, undecided, audit })) {
      const viewport = { width, height: 900 };
      const { page, complaints, picture } = await openReport(browser, path, { viewport });
      await picture(`${name}-${width}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      expect(await page.evaluate(cutElements), name).toEqual([]);
      expect(complaints).toEqual([]);
    }
  });

  test('on paper: no buttons, everything else, black on white even from the dark', async () => {
    const { page, complaints, picture } = await openReport(browser, load, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
    await picture('load-print');
    expect(await page.locator('.player').isVisible()).toBe(false);
    expect(await page.locator('.lane tbody tr').first().isVisible()).toBe(true);
    const pdf = await page.pdf();
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    expect(complaints).toEqual([]);
  });

  test('without its program: all but the steps and the charts', async () => {
    const { page } = await openReport(browser, exhaustive, { javaScriptEnabled: false });
    expect(await page.locator('h1').isVisible()).toBe(true);
    expect(await page.locator('.player').isVisible()).toBe(false);
    expect(await page.locator('.lane tbody tr').count()).toBe(10);
  });

  test('with the keyboard alone: the first stop skips to the verdict', async () => {
    const { page } = await openReport(browser, load);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Skip');
    const reached = new Set<string>();
    for (let stop = 0; stop < 30; stop += 1) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement?.className ?? ''));
    }
    expect([...reached]).toEqual(expect.arrayContaining(['player', 'scroll']));
  });
});

test('an audit report shows hostile content, which does nothing', async () => {
  const [finding] = longAudit.findings;
  const texts = { account: hostile, branch: hostile, detail: hostile, cause: hostile };
  const findings = finding ? [{ ...finding, ...texts, repair: hostile }] : [];
  const page400 = { viewport: { width: 400, height: 900 } };
  const report = renderAuditReport(auditOf({ ...longAudit, findings }), { style });
  const path = await files.write('hostile-audit.html', report);
  const { page, complaints, picture } = await openReport(browser, path, page400);
  await picture('hostile-audit-400');
  expect(await page.locator('.found').innerText()).toContain(hostile);
  expect(await page.evaluate(cutElements)).toEqual([]);
  expect(complaints).toEqual([]);
});

test('hostile content is shown and does nothing', async () => {
  const path = await files.write('hostile.html', renderReport(hostileReport(), { script, style }));
  const { page, complaints, picture } = await openReport(browser, path);
  await picture('hostile-1400');
  expect(await page.locator('h1').innerText()).toContain(hostile);
  expect(await page.locator('img, iframe, object').count()).toBe(0);
  expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
  await page.locator('.player').focus();
  await page.keyboard.press('End');
  expect(await page.locator('.now').innerText()).toContain(hostile);
  expect(complaints).toEqual([]);
});
