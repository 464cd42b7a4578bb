import fc from 'fast-check';

/** One seed for every random test of a run: printed by vitest.config.ts, taken back from here. */
fc.configureGlobal({ seed: Number(process.env['BANKCTL_TEST_SEED']) });
