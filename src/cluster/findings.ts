/**
 * `cluster verify`: do all nodes hold the same catalog, is it the one that is stored, are the fences those that were claimed, and is the store as new
 * as what the nodes remember?
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { ClusterControl, NodeFindings, SectionDigest } from '../model/cluster-control.ts';
import { CodedError } from '../model/errors.ts';
import { CONTROL_LOOK_MS, FENCES_AT_ONCE, VERIFY_ASK_MS, VERIFY_BEHIND_MS } from '../model/limits.ts';
import { SECTIONS } from './catalog-section.ts';
import type { ControlParts, HeldSection } from './control-parts.ts';

type Digests = Readonly<Record<string, SectionDigest>>;

/** What a node says of itself. */
interface Own {
  readonly sections: Digests;
  readonly fences: number;
  readonly faults: readonly string[];
}

export function makeFindings(parts: ControlParts): Pick<ClusterControl, 'verify'> {
  const { post, clock } = parts;
  const asking = { timeoutMs: VERIFY_ASK_MS };

  post.onRequest('cluster/findings', (accept) => look(accept === true));

  async function look(accept: boolean): Promise<Own> {
    const applied = SECTIONS.map((name) => [name, digestOf(parts.catalog.applied(name))] as const);
    const { checked, faults } = await lookAtFences();
    if (accept) await parts.head?.accept();
    const older = await parts.head?.check();
    return {
      sections: Object.fromEntries(applied),
      fences: checked,
      faults: older === undefined ? faults : [older, ...faults],
    };
  }

  /** Each shard that is held all the time: the store must show the very claim that this node made. */
  async function lookAtFences(): Promise<{ checked: number; faults: string[] }> {
    const left = parts.shards.held();
    const wrong: number[] = [];
    let checked = 0;
    const one = async (): Promise<void> => {
      for (let shard = left.pop(); shard !== undefined; shard = left.pop()) {
        const fence = parts.shards.fence(shard);
        if (!fence) continue;
        const found = await parts.storage.get(fence.path);
        if (parts.shards.fence(shard)?.version !== fence.version) continue;
        checked++;
        if ((found?.version ?? 0) !== fence.version) wrong.push(shard);
      }
    };
    await Promise.all(Array.from({ length: FENCES_AT_ONCE }, one));
    if (wrong.length === 0) return { checked, faults: [] };
    const which = wrong.toSorted((a, b) => a - b).slice(0, 10);
    const text = `${wrong.length} fences in the store are not those it has claimed (shards ${which.join(', ')}${wrong.length > which.length ? ' …' : ''})`;
    return { checked, faults: [text] };
  }

  async function readStored(): Promise<Digests> {
    const read = SECTIONS.map(async (name) => [name, digestOf(await parts.readStored(name))] as const);
    return Object.fromEntries(await Promise.all(read));
  }

  async function askNode(peer: string, accept: boolean): Promise<Own | undefined> {
    try {
      return (await post.request(peer, 'cluster/findings', accept, asking)) as Own;
    } catch (error) {
      if (error instanceof CodedError) return undefined;
      throw error;
    }
  }

  async function ask(accept: boolean): Promise<NodeFindings[]> {
    const membership = parts.membership();
    const view = membership.view();
    const records = membership.members();
    const asked = (view?.members ?? []).map(async ({ inc, nodeId }): Promise<NodeFindings> => {
      const peer = records.get(inc)?.peerId;
      const isSelf = inc === membership.inc();
      const found = isSelf
        ? await look(accept)
        : peer === undefined
          ? undefined
          : await askNode(peer, accept);
      if (!found) return { node: nodeId, sections: undefined, fences: 0, faults: ['it did not answer'] };
      return { node: nodeId, ...found };
    });
    return Promise.all(asked);
  }

  return {
    async verify({ accept = false } = {}) {
      const endMs = clock.monotonicMs() + VERIFY_BEHIND_MS;
      // A change that is on its way makes a difference for a moment; later ones may be on theirs all the time.
      let baseline: Digests | undefined;
      for (;;) {
        const nodes = await ask(accept && baseline === undefined);
        // What a node has applied was stored before; so what is read afterwards is as new.
        const stored = await readStored();
        baseline ??= stored;
        const behind = behindOf(nodes, baseline);
        if (behind.length === 0 || clock.monotonicMs() > endMs) {
          const faults = [...differences(nodes, stored), ...behind];
          const isGood = faults.length === 0 && nodes.every((node) => node.faults.length === 0);
          return { isGood, stored, nodes, faults };
        }
        await new Promise<void>((resolve) => void clock.after(resolve, CONTROL_LOOK_MS));
      }
    },
  };
}

/** Each section of each node, beside the stored one. */
function* pairs(nodes: readonly NodeFindings[], stored: Digests) {
  for (const { node, sections } of nodes) {
    for (const [name, own] of Object.entries(sections ?? {})) {
      const there = stored[name];
      if (there) yield { node, name, own, there };
    }
  }
}

function behindOf(nodes: readonly NodeFindings[], stored: Digests): string[] {
  return [...pairs(nodes, stored)]
    .filter(({ own, there }) => own.seq < there.seq)
    .map(
      ({ node, name, own, there }) =>
        `${name}: ${node} has applied change ${own.seq}, the store ends with ${there.seq}`,
    );
}

function differences(nodes: readonly NodeFindings[], stored: Digests): string[] {
  const faults: string[] = [];
  for (const { node, name, own, there } of pairs(nodes, stored)) {
    if (own.seq > there.seq)
      faults.push(
        `${name}: the store ends with change ${there.seq}, ${node} has applied ${own.seq}: it was put back`,
      );
    else if (own.seq === there.seq && own.digest !== there.digest)
      faults.push(`${name}: what ${node} holds is not what is stored, both at change ${own.seq}`);
  }
  return faults;
}

/** The same for the same entries, in whatever order they came. */
export function digestOf({ seq, entries }: HeldSection): SectionDigest {
  const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { seq, digest: hash('sha256', JSON.stringify(sorted, sortMembers), 'hex') };
}

function sortMembers(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
