/**
 * Hosts of one's own on this machine: network namespaces on a bridge, whose routes can be taken away one way or both, and whose lines can be
 * made slow. Needs root, and `ip` and `tc` of iproute2.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Host {
  readonly name: string;
  readonly ip: string;
  /** Put before a command, so that it runs there. */
  readonly wrapper: readonly string[];
}

export interface Hosts {
  readonly hosts: readonly Host[];
  /** Where this process is reached from the hosts, and from where it asks. */
  readonly ip: string;
  /** Where stores are reached: an address of their own, so that they can be cut off apart. */
  readonly storeIp: string;
  /** Makes `http://127.0.0.1:port` reachable as an address of `storeIp`. @returns that address. */
  publish(address: string): Promise<string>;
  /** Packets from `host` to `ip` go nowhere. @returns what mends it. */
  cut(host: Host, ip: string): () => void;
  /** @param rate - such as `1mbit`. @returns what makes it fast again. */
  slow(host: Host, rate: string): () => void;
  remove(): Promise<void>;
}

let networks = 0;

/** @returns a sentence where this machine cannot. */
export function makeHosts(count: number): Hosts | { missing: string } {
  const net = `10.${77 + (process.pid % 100)}.${++networks}`;
  const tag = `cf${process.pid % 100_000}${networks}`;
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const made: string[] = [];
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  try {
    ip('link', 'add', tag, 'type', 'bridge');
  } catch (error) {
    return {
      missing: `no network namespaces here (root and iproute2 are needed): ${(error as Error).message}`,
    };
  }
  ip('addr', 'add', `${net}.1/24`, 'dev', tag);
  ip('addr', 'add', `${net}.254/24`, 'dev', tag);
  ip('link', 'set', tag, 'up');
  const hosts = Array.from({ length: count }, (_, n): Host => {
    const name = `${tag}n${n + 1}`;
    const own = `${net}.${n + 11}`;
    ip('netns', 'add', name);
    made.push(name);
    ip('link', 'add', `${tag}v${n + 1}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', `${tag}v${n + 1}`, 'master', tag, 'up');
    ip('-n', name, 'addr', 'add', `${own}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return { name, ip: own, wrapper: ['ip', 'netns', 'exec', name] };
  });

  // Also where whoever made them failed before it could remove them.
  process.once('exit', removeAll);
  function removeAll(): void {
    process.off('exit', removeAll);
    for (const name of made.splice(0)) ip('netns', 'del', name);
    ip('link', 'del', tag);
  }

  return {
    hosts,
    ip: `${net}.1`,
    storeIp: `${net}.254`,
    async publish(address) {
      const { port } = new URL(address);
      const server = createServer((incoming) => {
        const outgoing = connect(Number(port), '127.0.0.1');
        for (const [from, to] of [
          [incoming, outgoing],
          [outgoing, incoming],
        ] as const) {
          sockets.add(from);
          from.setNoDelay(true);
          from.on('error', () => to.destroy());
          from.on('close', () => {
            sockets.delete(from);
            to.destroy();
          });
          from.pipe(to);
        }
      });
      servers.push(server);
      server.listen(Number(port), `${net}.254`);
      await once(server, 'listening');
      return address.replace('127.0.0.1', `${net}.254`);
    },
    cut(host, to) {
      ip('-n', host.name, 'route', 'add', 'blackhole', `${to}/32`);
      return () => void ip('-n', host.name, 'route', 'del', 'blackhole', `${to}/32`);
    },
    slow(host, rate) {
      const tc = (...args: string[]) =>
        execFileSync('ip', [...host.wrapper.slice(1), 'tc', 'qdisc', ...args], { stdio: 'ignore' });
      tc('add', 'dev', 'eth0', 'root', 'tbf', 'rate', rate, 'burst', '16k', 'latency', '400ms');
      return () => void tc('del', 'dev', 'eth0', 'root');
    },
    async remove() {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) server.close();
      removeAll();
    },
  };
}
