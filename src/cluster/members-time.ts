/**
 * Who tells this node the time of the cluster, and when: the records of members (protocol §14). A node that is none goes by a clock of its own,
 * and nobody by it.
 *
 * @module
 */
import type { ClusterTime } from './cluster-time.ts';
import type { Membership } from './membership-interface.ts';

export interface MembersTime {
  /** This node prepares to join. */
  preparing(): void;
  /** To be called first of all when a view is seen. @param entered - as `MembershipHooks.onView` is told. */
  onView(entered: boolean): void;
  /** Evicted, stopped or sealed. */
  ended(): void;
  /** Now and then: takes in what the records show. */
  look(): void;
}

/** States of a member that has entered. */
const ENTERED = ['member', 'leaving'];

export function makeMembersTime(
  time: Pick<ClusterTime, 'passed' | 'join' | 'see'>,
  membership: () => Pick<Membership, 'view' | 'members' | 'inc'>,
): MembersTime {
  let isIn = false;

  /** Of the other members of the view in one of these states. A joiner's record shows its own clock until it has entered. */
  function times(...states: string[]): number[] {
    const { view, members, inc } = membership();
    const records = members();
    return (view()?.members ?? []).flatMap((member) => {
      const record = member.inc === inc() ? undefined : records.get(member.inc);
      return record && states.includes(record.state) ? record.clusterTime : [];
    });
  }

  return {
    // Members that are sealed have entered before, and may not again before this one.
    preparing: () => time.passed(times(...ENTERED, 'sealed')),
    onView(entered) {
      // Who is dead has been evicted by now: what is in the view goes by the time that counts.
      if (entered && !isIn) time.join(times(...ENTERED));
      isIn = entered;
    },
    ended() {
      isIn = false;
    },
    look() {
      if (isIn) for (const timeMs of times(...ENTERED)) time.see(timeMs);
    },
  };
}
