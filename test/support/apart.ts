/**
 * That coordinators on one server, under paths of their own, see nothing of each other.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Coordinator } from '../../src/model/coordinator.ts';

/** @param open - a coordinator under this path, such as `one/`; closed here. */
export async function checkApart(open: (path: string) => Coordinator): Promise<void> {
  // A path that another begins with is another path.
  const [one, two] = [open('apart/'), open('apart/b/')];
  try {
    for (const [coordinator, value] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      const made = await coordinator.step({
        conditions: [{ key: 'members/a', version: 0 }],
        changes: [{ key: 'members/a', value: Buffer.from(value) }],
        lists: ['members/'],
      });
      assert(made.outcome === 'ok', 'the other one has made its record already');
      assert.deepEqual([...made.records.keys()], ['members/a']);
      assert.equal(Buffer.from(made.records.get('members/a')!.value).toString(), value);
    }
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
}
