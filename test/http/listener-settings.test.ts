/**
 * What a listener's configuration changes for the requests that come in by it. Authority of texts and statuses: Vault 1.19's handlers for
 * X-Forwarded-For; OpenBao 2.7's listener for `disallow_metrics` and `metrics_only`, which Vault has not.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeForwardedAddress } from '../../src/http/client-address.ts';
import type { ListenerOptions } from '../../src/http/listener-options.ts';
import { hostPort, plainAddress } from '../../src/model/address.ts';
import type { Reply, Request } from '../../src/model/request.ts';
import { call } from '../support/http.ts';
import { type Listening, listen, type Settings } from './listener.ts';

const seen = ({ remoteAddress, openHere }: Request): Reply => ({
  kind: 'bare',
  status: 200,
  value: { from: remoteAddress, open: openHere === true },
});

async function start(
  t: Parameters<typeof listen>[0],
  listener: Settings['listener'],
): Promise<
  Listening & { get(path: string, headers?: Record<string, string | string[]>): ReturnType<typeof call> }
> {
  const listening = await listen(t, { listener, handle: seen });
  return { ...listening, get: (path, headers) => call(listening.url, 'GET', path, { headers }) };
}

test('nobody is believed who names another address', async (t) => {
  const { get } = await start(t, {});
  const { body } = await get('/v1/a', { 'x-forwarded-for': '192.0.2.1' });
  assert.deepEqual(body, { from: '127.0.0.1', open: false });
});

test('a named proxy is believed; one without the header, or not named, counts as itself', async (t) => {
  const named = await start(t, { x_forwarded_for_authorized_addrs: ['10.1.2.3', '127.0.0.0/8'] });
  const from = async (header?: string | string[]) =>
    (await named.get('/v1/a', header === undefined ? {} : { 'x-forwarded-for': header })).body.from;
  assert.equal(await from(), '127.0.0.1');
  assert.equal(await from('192.0.2.1'), '192.0.2.1');
  assert.equal(await from('203.0.113.9, 192.0.2.1'), '192.0.2.1');
  assert.equal(await from(['203.0.113.9', '192.0.2.2']), '192.0.2.2');
  assert.equal(await from('192.0.2.1:4711'), '192.0.2.1');
  assert.equal(await from('[2001:db8::1]:4711'), '2001:db8::1');
  assert.equal(await from('::ffff:192.0.2.1'), '192.0.2.1');
  for (const header of ['', 'x', '192.0.2.1, x', '192.0.2.256', '"192.0.2.1"', '192.0.2.1 1']) {
    const { status, body } = await named.get('/v1/a', { 'x-forwarded-for': header });
    assert.equal(status, 400, header);
    assert.deepEqual(body.errors, ['malformed x-forwarded-for header: expected IP addresses']);
  }
  const other = await start(t, { x_forwarded_for_authorized_addrs: ['10.0.0.0/8', '2001:db8::/32'] });
  assert.equal((await other.get('/v1/a', { 'x-forwarded-for': '192.0.2.1' })).body.from, '127.0.0.1');
});

test('hops at the end are skipped, and there must be as many', async (t) => {
  const { get } = await start(t, {
    x_forwarded_for_authorized_addrs: ['127.0.0.1'],
    x_forwarded_for_hop_skips: 1,
  });
  const reply = await get('/v1/a', { 'x-forwarded-for': '192.0.2.1,10.0.0.9' });
  assert.equal(reply.body.from, '192.0.2.1');
  const { status, body } = await get('/v1/a', { 'x-forwarded-for': '192.0.2.1' });
  assert.equal(status, 400);
  assert.match(body.errors[0], /^malformed x-forwarded-for configuration or request, hops to skip \(1\)/);
});

test('who forwards not, or may not, is refused where that is configured, and everywhere', async (t) => {
  const present = await start(t, {
    x_forwarded_for_authorized_addrs: ['127.0.0.1'],
    x_forwarded_for_reject_not_present: true,
  });
  for (const path of ['/v1/a', '/ui/', '/']) {
    const { status, body } = await present.get(path);
    assert.equal(status, 400, path);
    assert.deepEqual(body.errors, [
      'missing x-forwarded-for header and configured to reject when not present',
    ]);
  }
  const authorized = await start(t, {
    x_forwarded_for_authorized_addrs: ['10.0.0.1'],
    x_forwarded_for_reject_not_authorized: true,
  });
  assert.equal((await authorized.get('/v1/a')).status, 200);
  const { status, body } = await authorized.get('/v1/a', { 'x-forwarded-for': '192.0.2.1' });
  assert.equal(status, 400);
  assert.deepEqual(body.errors, [
    'client address not authorized for x-forwarded-for and configured to reject connection',
  ]);
});

test('an IPv4 peer on an IPv6 socket is found among IPv4 networks', () => {
  const from = (options: Partial<ListenerOptions>, remoteAddress: string) =>
    makeForwardedAddress({ address: ':1', ...options })?.({
      socket: { remoteAddress },
      headers: { 'x-forwarded-for': '192.0.2.1' },
    } as never);
  assert.equal(from({ x_forwarded_for_authorized_addrs: ['10.0.0.0/8'] }, '::ffff:10.9.9.9'), '192.0.2.1');
  assert.equal(from({ x_forwarded_for_authorized_addrs: ['10.0.0.0/8'] }, '::ffff:11.9.9.9'), '11.9.9.9');
  assert.equal(from({ x_forwarded_for_authorized_addrs: ['2001:db8::/32'] }, '2001:db8::5'), '192.0.2.1');
  assert.equal(from({}, '10.0.0.1'), undefined);
  assert.equal(plainAddress(undefined), '');
  assert.equal(plainAddress('::ffff:1'), '::ffff:1');
  assert.equal(hostPort('2001:db8::5', 1), '[2001:db8::5]:1');
});

test('metrics and running requests are open where the listener says so, for reading only', async (t) => {
  const closed = await start(t, {});
  assert.equal((await closed.get('/v1/sys/metrics')).body.open, false);
  const open = await start(t, {
    telemetry: { unauthenticated_metrics_access: true },
    inflight_requests_logging: { unauthenticated_in_flight_requests_access: true },
    profiling: { unauthenticated_pprof_access: true },
  });
  for (const path of [
    'sys/metrics',
    'sys/metrics?format=prometheus',
    'sys/in-flight-req',
    'sys/pprof',
    'sys/pprof/heap?seconds=1',
  ]) {
    assert.equal((await open.get(`/v1/${path}`)).body.open, true, path);
  }
  for (const path of [
    'sys/metrics?help=1',
    'sys/mounts',
    'secret/sys/metrics',
    'sys/metrics/x',
    'sys/pprofx',
    'sys/monitor',
    'sys/metrics?list=true',
  ]) {
    assert.equal((await open.get(`/v1/${path}`)).body.open, false, path);
  }
  assert.equal((await call(open.url, 'PUT', '/v1/sys/metrics', { body: {} })).body.open, false);
  const metrics = await start(t, { telemetry: { unauthenticated_metrics_access: true } });
  assert.equal((await metrics.get('/v1/sys/in-flight-req')).body.open, false);
  assert.equal((await metrics.get('/v1/sys/pprof/heap')).body.open, false);
});

test('a listener without metrics, and one with nothing else', async (t) => {
  const without = await start(t, {
    telemetry: { disallow_metrics: true, unauthenticated_metrics_access: true },
  });
  const refused = await without.get('/v1/sys/metrics');
  assert.deepEqual([refused.status, refused.text], [403, 'metrics endpoint is disabled for this listener\n']);
  assert.equal((await without.get('/v1/sys/health')).status, 200);
  const only = await start(t, { telemetry: { metrics_only: true } });
  assert.equal((await only.get('/v1/sys/metrics')).status, 200);
  for (const path of ['/v1/sys/health', '/v1/secret/a', '/ui/', '/']) {
    const { status, text } = await only.get(path);
    assert.deepEqual([status, text], [404, 'this listener only serves the metrics endpoint\n'], path);
  }
  assert.equal(only.seen.length, 1);
});
