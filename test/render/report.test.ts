import { describe, expect, test } from 'vitest';
import { renderReport } from '../../src/render/html/document.ts';
import { escapeHtml, html, jsonForScript } from '../../src/render/html/markup.ts';
import { moneySection } from '../../src/render/html/tables.ts';
import { hostile, hostileReport } from './hostile-report.ts';

const page = { script: 'void 0;', style: 'body{}' };

describe('nothing from outside becomes markup', () => {
  test('in any place of a report', () => {
    const text = renderReport(hostileReport(), page);
    expect(text.includes(hostile)).toBe(false);
    expect(text.match(/<script/g)).toHaveLength(2);
    expect(text.match(/<\/script/g)).toHaveLength(2);
    expect(/<(img|iframe|object|link|base)\b/.test(text)).toBe(false);
  });

  test('and its data is unchanged', () => {
    const text = renderReport(hostileReport(), page);
    const [, json = ''] = /id="report">(.*?)<\/script>/s.exec(text) ?? [];
    const [model] = JSON.parse(json).models;
    expect(model.lane.reason).toBe(hostile);
    expect(model.timeline.faults[0].label).toBe(hostile);
  });

  test.each([
    ['<b>', '&lt;b&gt;'],
    [`"it's"`, '&quot;it&#39;s&quot;'],
    ['a & b', 'a &amp; b'],
    ['left\u202Eright', String.raw`left\u202eright`],
    ['a\u0000b\nc', String.raw`a\x00b\nc`],
    ['Zürich 銀行 🏦', 'Zürich 銀行 🏦'],
  ])('%j', (text, expected) => {
    expect(escapeHtml(text)).toBe(expected);
    expect(html`<i>${text}</i>`.markup).toBe(`<i>${expected}</i>`);
  });

  test('lists and markup are inserted as they are, and undefined as nothing', () => {
    const items = ['<', 'b'].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}${null}${undefined}${0}</ul>`.markup).toBe(
      '<ul><li>&lt;</li><li>b</li>0</ul>',
    );
  });

  test('data for a script cannot end the script', () => {
    const { markup } = jsonForScript({ text: '</script><!--\u2028' });
    expect(markup).not.toMatch(/[<\u2028]/);
    expect(JSON.parse(markup)).toEqual({ text: String.raw`</script><!--\u2028` });
  });
});

describe('the policy', () => {
  test('lets this script and this style take effect, and nothing else', () => {
    const text = renderReport(hostileReport(), page);
    const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(text) ?? [];
    const [hash, none] = [String.raw`'sha256-[\w+/]{43}='`, "'none'"];
    const rules = [
      `default-src ${none}`,
      `script-src ${hash}`,
      `style-src ${hash}`,
      `base-uri ${none}`,
      `form-action ${none}`,
    ];
    expect(policy.replaceAll('&#39;', "'")).toMatch(new RegExp(`^${rules.join('; ')}$`));
  });
});

describe('money', () => {
  test.each([
    ['100.00', '100.00', '✓ none'],
    ['0.00', '-0.01', '✗ -0.01'],
    ['1234567.89', '1234568.00', '✗ +0.11'],
    ['-5.00', '5.5', '✗ +10.50'],
    ['90071992547409930.01', '90071992547409930.02', '✗ +0.01'],
    ['5', '1005', '✗ +1,000'],
  ])('%s should, %s does: %s', (expected, actual, difference) => {
    const branches = [{ branch: 'b', expected, actual }];
    const model = { model: 'm', summary: '', tone: 'good', unit: '', total: 0 } as const;
    const { markup } = moneySection([{ ...model, outcomes: [], branches }]);
    expect(markup).toContain(`difference">${difference}<`);
  });
});
