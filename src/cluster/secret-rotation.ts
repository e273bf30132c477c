/**
 * `cluster secret rotate`: first every node accepts the new secret besides the old ones, then every node forgets the old ones. At each moment any two
 * nodes have one in common.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { CONTROL_ASK_MS, CONTROL_LOOK_MS, SECRET_KEPT_MS } from '../model/limits.ts';
import type { ControlParts } from './control-parts.ts';
import { newClusterSecret } from './transport/secret.ts';
import { addSecret, dropSecret, keepSecret } from './transport/secret-file.ts';

type Step = 'add' | 'drop' | 'keep';

/** Who rotates; nobody else does meanwhile. */
const ROTATION_KEY = 'rotation';

export interface SecretRotation {
  rotate(): Promise<string[]>;
}

export function makeSecretRotation(parts: ControlParts): SecretRotation {
  const { post, coordinator, clock, log } = parts;
  const steps: Record<Step, (file: string, secret: string) => void> = {
    add: addSecret,
    drop: dropSecret,
    keep: keepSecret,
  };

  post.onRequest('cluster/secret', (value) => {
    const { step, secret } = value as { step: Step; secret: string };
    if (!Object.hasOwn(steps, step)) throw new CodedError('unsupported');
    take(step, secret);
  });

  /** @throws CodedError `bad_request` where the file cannot be written. */
  function take(step: Step, secret: string): void {
    const file = parts.secretFile;
    if (file === undefined) throw new CodedError('bad_request', `${parts.nodeId} has no secret file`);
    try {
      steps[step](file, secret);
    } catch (error) {
      log.error('the secret file could not be changed', { error });
      const text = `${parts.nodeId} could not change its secret file; its log says why. Change the files by hand: docs/operations.md says how`;
      throw new CodedError('bad_request', text);
    }
    log.info('the cluster secret is being renewed', { step });
    // Links by the old secret end with it, and the answer goes over one of them.
    if (step === 'keep') parts.clock.after(parts.secretsChanged, SECRET_KEPT_MS);
    else parts.secretsChanged();
  }

  /** Every node that has a record, members or not; once, where it has another of a former life. */
  function others(): { readonly nodeId: string; readonly peer: string }[] {
    const membership = parts.membership();
    const peers = new Map<string, string>();
    for (const { nodeId, peerId } of membership.members().values()) peers.set(peerId, nodeId);
    peers.delete(post.transport.peer);
    return [...peers].map(([peer, nodeId]) => ({ nodeId, peer }));
  }

  /** Again, where the link was lost meanwhile: all steps may be repeated. */
  async function tell(peer: string, step: Step, secret: string): Promise<void> {
    const endMs = clock.monotonicMs() + CONTROL_ASK_MS;
    for (;;) {
      try {
        await post.request(peer, 'cluster/secret', { step, secret }, { timeoutMs: CONTROL_ASK_MS });
        return;
      } catch (error) {
        const isLost = error instanceof CodedError && error.code === 'connection_lost';
        if (!isLost || clock.monotonicMs() > endMs) throw error;
      }
      await pause();
    }
  }

  const pause = (): Promise<void> => new Promise((resolve) => void clock.after(resolve, CONTROL_LOOK_MS));

  /** Links end with the old secret, and come again with the new one. */
  async function whenLinked(): Promise<void> {
    const endMs = clock.monotonicMs() + CONTROL_ASK_MS;
    await new Promise<void>((resolve) => void clock.after(resolve, 2 * SECRET_KEPT_MS));
    const isLinked = (): boolean => others().every(({ peer }) => post.transport.peers().includes(peer));
    while (!isLinked() && clock.monotonicMs() < endMs) await pause();
  }

  async function rotateAlone(): Promise<string[]> {
    const secret = newClusterSecret(parts.randomBytes);
    /** By peer. Who comes while others are told is told after them. */
    const nodes = new Map<string, string>();
    const has = new Set<string>();
    const look = () => {
      for (const { nodeId, peer } of others()) if (!nodes.has(peer)) nodes.set(peer, nodeId);
    };

    async function add(peer: string): Promise<void> {
      await tell(peer, 'add', secret);
      has.add(peer);
    }

    look();
    try {
      for (const [peer, nodeId] of nodes) {
        await add(peer).catch((error: unknown) => {
          throw new CodedError('unavailable', `${nodeId} did not take the new secret: ${reason(error)}`, {
            status: 503,
          });
        });
        look();
      }
      take('add', secret);
    } catch (error) {
      // It changes nothing that some accept one more; but their files have room for few.
      for (const peer of has) await tell(peer, 'drop', secret).catch(() => {});
      throw error;
    }
    const late: string[] = [];
    for (const [peer, nodeId] of nodes) {
      try {
        // This node goes last: it can speak to who has come since by the old one.
        if (!has.has(peer)) await add(peer);
        await tell(peer, 'keep', secret);
      } catch {
        late.push(nodeId);
      }
      look();
    }
    take('keep', secret);
    await whenLinked();
    if (late.length > 0) {
      const text = `the secret is renewed, but not every node has said so: rotate again once ${late.join(', ')} can be asked`;
      throw new CodedError('unavailable', text);
    }
    return [parts.nodeId, ...nodes.values()].toSorted();
  }

  /** @returns what gives it back. @throws CodedError `conflict` where another node is at it. */
  async function begin(): Promise<() => Promise<void>> {
    const membership = parts.membership();
    const seen = await coordinator.step({ conditions: [], changes: [], reads: [ROTATION_KEY] });
    if (seen.outcome === 'unknown') throw new CodedError('unavailable');
    const found = seen.records.get(ROTATION_KEY);
    const by = found && Buffer.from(found.value).toString('utf8').slice(0, 32);
    if (by !== undefined && membership.members().has(by) && by !== membership.inc())
      throw new CodedError('conflict', 'another node renews the secret at this moment');
    const stamp = Buffer.from(parts.randomBytes(8)).toString('hex');
    const done = await coordinator.step({
      conditions: [{ key: ROTATION_KEY, version: found?.version ?? 0 }],
      changes: [{ key: ROTATION_KEY, value: Buffer.from(`${membership.inc()} ${stamp}`) }],
    });
    if (done.outcome === 'refused')
      throw new CodedError('conflict', 'another node renews the secret at this moment');
    if (done.outcome === 'unknown') throw new CodedError('unavailable');
    return async () => {
      const conditions = [{ key: ROTATION_KEY, version: done.version }];
      await coordinator.step({ conditions, changes: [{ key: ROTATION_KEY, value: undefined }] });
    };
  }

  let isRunning = false;
  return {
    async rotate() {
      if (isRunning) throw new CodedError('conflict', 'this node renews the secret at this moment');
      isRunning = true;
      try {
        const end = await begin();
        try {
          return await rotateAlone();
        } finally {
          await end();
        }
      } finally {
        isRunning = false;
      }
    },
  };
}

function reason(error: unknown): string {
  return error instanceof CodedError ? error.message : 'it could not be asked';
}
