/**
 * What a demo prints: for people what is there and what to try, for programs one line of JSON for each node.
 *
 * @module
 */
import type { DemoNode } from './demo-plan.ts';

export interface RunningNode extends DemoNode {
  readonly pid: number;
}

/** One line for each node. */
export function demoLines(nodes: readonly RunningNode[]): string {
  return nodes
    .map(({ nodeId, pid, apiAddress, clusterAddress }) =>
      JSON.stringify({
        node_id: nodeId,
        pid,
        api_addr: apiAddress,
        cluster_addr: clusterAddress,
      }),
    )
    .map((line) => `${line}\n`)
    .join('');
}

export interface DemoFacts {
  readonly nodes: readonly RunningNode[];
  readonly unsealKey: string;
  readonly rootToken: string;
  /** The program as the user called it, such as `bin/coffer`. */
  readonly program: string;
  /** Where the nodes' logs are. */
  readonly folder: string;
  /** Such as `the embedded store` or `etcd at http://127.0.0.1:2379`. */
  readonly store: string;
}

export function demoBanner({ nodes, unsealKey, rootToken, program, folder, store }: DemoFacts): string {
  const count = nodes.length === 1 ? '1 node is' : `${nodes.length} nodes are`;
  const rows = nodes.map(
    ({ nodeId, apiAddress, clusterAddress, pid }) =>
      `    ${nodeId}  ${apiAddress}  (other nodes: ${clusterAddress}, process ${pid})`,
  );
  return `${count} up, initialised and unsealed, on ${store}. This is for a first look: one key share, no TLS for clients,
the root token on the screen, and everything is lost at the end.

${rows.join('\n')}

Unseal Key: ${unsealKey}
Root Token: ${rootToken}
Logs:       ${folder}

Try, in another terminal:

${tries(nodes, rootToken, program)
  .map((line) => `    ${line}`)
  .join('\n')}

Ctrl-C ends all nodes and removes what they kept.
`;
}

/** Write on one, read on another, kill the one that wrote, read again. */
function tries(nodes: readonly RunningNode[], rootToken: string, program: string): string[] {
  const first = nodes[0]!;
  const others = nodes.slice(1);
  const at = (node: RunningNode | undefined) => `-address=${(node ?? first).apiAddress}`;
  const lines = [
    `export VAULT_TOKEN='${rootToken}'`,
    `${program} kv put ${at(first)} secret/hello who=world`,
    `${program} kv get ${at(others[0])} secret/hello`,
  ];
  if (others.length === 0) return lines;
  return [
    ...lines,
    `kill -9 ${first.pid}`,
    `${program} kv get ${at(others.at(-1))} secret/hello`,
    `${program} cluster watch ${at(others[0])}`,
  ];
}

/** @param how - its exit code, or the signal that ended it. @param left - the nodes that still run. */
export function deathNotice(node: DemoNode, how: number | string, left: number): string {
  const others =
    left === 0 ? 'none is left' : `${left} ${left === 1 ? 'goes' : 'go'} on; this one stays dead`;
  return `${node.nodeId} ended (${typeof how === 'number' ? `exit code ${how}` : how}): ${others}.\n`;
}
