import type { ReportData } from '../../src/render/html/report-data.ts';

/** What nobody should ever be able to put into a page. */
export const hostile =
  `</script><script>window.pwned=1</script><img src=x onerror=alert(1)>` +
  `"'><iframe src="http://192.0.2.1/"></iframe>\${alert(1)}]]>&lt;<!--`;

/** A report in which every text that can come from a database or a command line is hostile. */
export function hostileReport(): ReportData {
  const phrase = { tone: 'bad', text: hostile } as const;
  const fact = { name: hostile, value: hostile };
  return {
    mode: hostile,
    verdict: { name: hostile, tone: 'bad', sentence: hostile },
    environment: [fact],
    command: hostile,
    made_at: hostile,
    models: [
      {
        model: hostile,
        summary: hostile,
        tone: 'bad',
        unit: hostile,
        total: 3,
        outcomes: [{ name: hostile, count: 1, tone: 'bad' }],
        branches: [{ branch: hostile, expected: '1.00', actual: '-2.00' }],
        throughput: 1,
        latency_ms: { p50: 1, p90: 1, p99: 1, max: 1 },
        remarks: [hostile],
        timeline: {
          bucket_ms: 1,
          ended: [1, 2],
          marked: [0, 1],
          mark: hostile,
          p50_ms: [1, null],
          p99_ms: [1, null],
          max_ms: [1, null],
          faults: [{ label: hostile, from_ms: 0, to_ms: 1 }],
          window: {
            around: 'all',
            row: hostile,
            from_ms: 0,
            to_ms: 2,
            total: 1,
            operations: [
              {
                worker: 1,
                from_ms: 0,
                to_ms: 1,
                title: hostile,
                marked: true,
              },
            ],
          },
        },
        lane: {
          title: hostile,
          workers: [{ worker: 1, head: hostile, label: hostile }],
          counts: 'step',
          collections: [hostile],
          reason: hostile,
          replay: hostile,
          remark: phrase,
          steps: [
            {
              label: hostile,
              worker: 1,
              phrases: [phrase],
              model: { name: hostile, cached: hostile },
              writes: [{ worker: 1, collection: hostile, should_be: 'x', wrong: 'misplaced' }],
              wrong: hostile,
            },
          ],
        },
      },
    ],
  };
}
