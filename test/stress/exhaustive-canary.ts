import type { Db } from 'mongodb';
import {
  legacyUpdate,
  type PlainModel,
  prepareLegacy,
  type Subject,
} from '../../src/stress/subjects/plain-models.ts';
import { ownCollection } from '../../src/stress/subjects/shared-model.ts';

/**
 * A subtler mistake than the shared model's. A worker points the model at its branch again right
 * before it writes, unless somebody has put it back; and the last one at work puts it back. But
 * whether it is the last is looked up before its write and acted on after it: in between, another
 * may have begun, whose switch is then cleared, although nobody writes at that moment.
 */
export const canaryModel: PlainModel = {
  name: 'canary',
  pointsFor: (asked) => asked.filter((point) => point === 'switched' || point === 'written'),
  stepsFor: (asked) => ({
    steps: 1 + asked.filter((point) => point === 'switched' || point === 'written').length,
    fixed: true,
  }),
  prepare: prepareLegacy,
  open: (db) => () => canary(db),
};

function canary(db: Db): Subject {
  let name = ownCollection;
  let atWork = 0;
  return {
    increment: async ({ branch, account, amountMinor }, at) => {
      atWork += 1;
      name = branch;
      await at('switched');
      if (name !== ownCollection) name = branch;
      const isLast = atWork === 1;
      const collection = name;
      const result = await db
        .collection(collection)
        .updateOne({ account_number: account }, legacyUpdate(amountMinor));
      await at('written');
      atWork -= 1;
      if (isLast) name = ownCollection;
      return { collection, matched: result.matchedCount };
    },
    state: () => ({ name, cached: name }),
    isSwitched: () => name !== ownCollection,
  };
}
