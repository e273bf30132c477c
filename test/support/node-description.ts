/**
 * What a node says of itself in its member record.
 *
 * @module
 */
import type { NodeDescription } from '../../src/cluster/member-record.ts';

export function nodeDescription(nodeId: string, more: Partial<NodeDescription> = {}): NodeDescription {
  return {
    nodeId,
    peerId: '',
    addresses: [],
    apiAddress: '',
    clusterAddress: '',
    weight: 1,
    zone: '',
    speaks: [1, 1],
    release: '',
    storageId: '',
    ...more,
  };
}
