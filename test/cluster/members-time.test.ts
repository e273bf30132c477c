import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberRecord } from '../../src/cluster/member-record.ts';
import { makeMembersTime } from '../../src/cluster/members-time.ts';
import type { Membership } from '../../src/cluster/membership-interface.ts';
import type { View } from '../../src/cluster/view.ts';

/** This node is `me`, and the view is of `me` and all that have a record. */
function make(records: Record<string, [state: MemberRecord['state'], clusterTime: number]>) {
  const said: unknown[] = [];
  const say = (what: string) => (times: Iterable<number>) => void said.push([what, ...times]);
  const membership = {
    inc: () => 'me',
    view: () =>
      ({ members: ['me', 'lost', ...Object.keys(records)].map((inc) => ({ inc })) }) as unknown as View,
    members: () => {
      const shown = Object.entries(records).map(([inc, [state, clusterTime]]) => ({
        inc,
        state,
        clusterTime,
      }));
      const all = [
        ...shown,
        { inc: 'me', state: 'member', clusterTime: 9 },
        { inc: 'other', state: 'member' },
      ];
      return new Map(all.map(({ inc, ...record }) => [inc, record as MemberRecord]));
    },
  } satisfies Pick<Membership, 'inc' | 'view' | 'members'>;
  const time = { passed: say('passed'), join: say('join'), see: (ms: number) => void said.push(['see', ms]) };
  return { said, members: makeMembersTime(time, () => membership) };
}

test('members tell the time, and who leaves; those that are on their way in do not, nor this node; those that are sealed, what has passed', () => {
  const { said, members } = make({
    a: ['member', 1],
    b: ['joining', 2],
    c: ['leaving', 3],
    d: ['sealed', 4],
  });
  members.preparing();
  members.onView(true);
  members.look();
  assert.deepEqual(said, [
    ['passed', 1, 3, 4],
    ['join', 1, 3],
    ['see', 1],
    ['see', 3],
  ]);
});

test('it is taken once for each time that this node enters', () => {
  const { said, members } = make({ a: ['member', 1] });
  const joins = () => said.filter((one) => (one as string[])[0] === 'join').length;
  members.onView(false);
  members.look();
  assert.deepEqual(said, [], 'who is not in goes by a clock of its own');
  members.onView(true);
  members.onView(true);
  assert.equal(joins(), 1);
  members.onView(false);
  members.onView(true);
  assert.equal(joins(), 2);
  members.ended();
  members.look();
  members.onView(true);
  assert.equal(joins(), 3);
  assert.equal(said.length, 3);
});
