/**
 * What concerns this node: its machine, its requests, its metrics (contract §2.12).
 *
 * @module
 */
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { operation, type Route } from '../../model/engine.ts';
import type { Encodable } from '../../model/json.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { rfc3339 } from '../../model/time.ts';
import type { SystemCore } from './core.ts';
import type { InFlightRequest, NodeFacts } from './node-core.ts';

export function nodeRoutes({ node }: SystemCore): Record<string, Route> {
  return {
    'host-info': {
      read: operation({
        summary: 'Describes the machine this node runs on.',
        params: {},
        run: async (_params, { now }) => ({ data: await hostInfo(now()) }),
      }),
    },
    'config/state/sanitized': {
      read: operation({
        summary: "Shows this node's configuration, without secrets.",
        params: {},
        run: () => ({ data: node.configuration }),
      }),
    },
    'in-flight-req': {
      read: operation({
        summary: 'Lists the requests being served.',
        params: {},
        run: () => ({ bare: inFlight(node.inFlight()) }),
      }),
    },
    metrics: {
      read: operation({
        summary: "Shows the node's metrics.",
        params: { format: p.string('"prometheus", or Vault\'s summary.', { absent: '' }) },
        run: ({ format }) => metrics(node, format),
      }),
    },
  };
}

async function metrics(node: NodeFacts, format: string): Promise<LogicalReply> {
  if (format === '') return { bare: await node.metricsSummary() };
  if (format !== 'prometheus') return refusedFormat('metric response format unknown');
  const raw = await node.metricsText();
  return raw ? { raw } : refusedFormat('prometheus is not enabled');
}

function refusedFormat(body: string): LogicalReply {
  return { status: 400, raw: { contentType: 'text/plain', body } };
}

function inFlight(requests: readonly InFlightRequest[]): ReadonlyMap<string, Encodable> {
  return new Map(
    requests.map(({ id, receivedAtMs, remote, path, method, clientId }) => [
      id,
      {
        start_time: rfc3339(receivedAtMs),
        client_remote_address: remote,
        request_path: path,
        request_method: method,
        client_id: clientId,
      },
    ]),
  );
}

/** Names of the members are those of the library Vault uses; what Node does not know is left out. */
async function hostInfo(nowMs: number): Promise<{ [key: string]: Encodable }> {
  const cpus = os.cpus();
  return {
    timestamp: rfc3339(nowMs),
    cpu: cpus.map(({ model, speed }, cpu) => ({ cpu, modelName: model.trim(), mhz: speed, cores: 1 })),
    cpu_times: cpus.map(({ times }, cpu) => ({
      cpu: `cpu${cpu}`,
      user: times.user / 1_000,
      system: times.sys / 1_000,
      idle: times.idle / 1_000,
      nice: times.nice / 1_000,
      irq: times.irq / 1_000,
    })),
    disk: [await diskInfo('/')],
    host: {
      hostname: os.hostname(),
      uptime: Math.floor(os.uptime()),
      bootTime: Math.floor(nowMs / 1_000 - os.uptime()),
      os: os.platform(),
      platform: os.platform(),
      platformVersion: os.release(),
      kernelVersion: os.release(),
      kernelArch: os.machine(),
    },
    memory: memoryInfo(),
  };
}

function memoryInfo(): Encodable {
  const [total, free] = [os.totalmem(), os.freemem()];
  return { total, available: free, free, used: total - free, usedPercent: percent(total - free, total) };
}

async function diskInfo(path: string): Promise<Encodable> {
  const { bsize, blocks, bavail, bfree, files, ffree } = await statfs(path);
  const used = (blocks - bfree) * bsize;
  return {
    path,
    total: blocks * bsize,
    free: bavail * bsize,
    used,
    usedPercent: percent(used, used + bavail * bsize),
    inodesTotal: files,
    inodesFree: ffree,
    inodesUsed: files - ffree,
    inodesUsedPercent: percent(files - ffree, files),
  };
}

function percent(part: number, whole: number): number {
  return whole > 0 ? (100 * part) / whole : 0;
}
