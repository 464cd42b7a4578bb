import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSpool } from '../src/system/spool.ts';

test('keeps bytes by key like a map, even if all keys have one digest', () => {
  const key = fc.constantFrom('a', 'b', '\u00e9', 'account branch1:A', '');
  const bytes = fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, bytes), { maxLength: 50 }), (sets) => {
      const spool = createSpool(() => [7, 7]);
      const expected = new Map<string, Buffer>(sets);
      for (const [name, some] of sets) spool.set(name, some);
      for (const name of ['a', 'b', '\u00e9', 'account branch1:A', '']) {
        expect(spool.get(name)).toEqual(expected.get(name));
      }
      expect([...spool.values()]).toEqual([...expected.values()]);
      spool.close();
    }),
  );
});

test('finds what is in the file and what is still in memory, of any length', () => {
  const spool = createSpool();
  const bytesOf = (index: number) =>
    Buffer.alloc(index === 7 ? 3_000_000 : 100 + (index % 50), index);
  for (let index = 0; index < 30_000; index += 1) spool.set(`row-${index}`, bytesOf(index));
  for (let index = 0; index < 30_000; index += 97) spool.set(`row-${index}`, bytesOf(index + 1));
  const wrong = Array.from({ length: 30_000 }, (_, index) => index).filter((index) => {
    const expected = bytesOf(index % 97 === 0 ? index + 1 : index);
    return !spool.get(`row-${index}`)?.equals(expected);
  });
  expect(wrong).toEqual([]);
  expect(spool.get('row-30000')).toBeUndefined();
  let index = 0;
  for (const bytes of spool.values()) {
    const expected = bytesOf(index % 97 === 0 ? index + 1 : index);
    if (!bytes.equals(expected)) throw new Error(`row-${index} is another one`);
    index += 1;
  }
  expect(index).toBe(30_000);
  spool.close();
});
