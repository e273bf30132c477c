/**
 * The table of running requests: order, removal from anywhere, deadlines by ticks.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeInFlight } from '../../src/http/in-flight.ts';
import type { IncomingRequest } from '../../src/http/incoming-request.ts';
import { REQUEST_SWEEP_MS } from '../../src/model/limits.ts';

function fake(id: number, onEnd = () => {}): IncomingRequest {
  const request = {
    id: String(id),
    receivedAtMs: 0,
    remoteAddress: '127.0.0.1',
    remotePort: id,
    path: { text: `p${id}`, trailingSlash: false },
    method: 'GET',
    end: onEnd,
  };
  return request as unknown as IncomingRequest;
}

test('rows are those added and not removed, oldest first, whatever goes first', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  fc.assert(
    fc.property(fc.array(fc.nat(30), { maxLength: 60 }), (steps) => {
      const table = makeInFlight(0, () => {});
      const expected = new Map<number, IncomingRequest>();
      // A number seen for the first time is added; seen again, removed, even twice.
      for (const id of steps) {
        const known = expected.get(id);
        if (known === undefined) {
          const request = fake(id);
          expected.set(id, request);
          table.add(request);
        } else {
          expected.delete(id);
          table.remove(known);
          table.remove(known);
          assert.equal(known.newer ?? known.older, undefined);
        }
        assert.deepEqual([...table.rows().keys()], [...expected.keys()].map(String));
      }
      table.stop();
    }),
  );
});

test('a row as sys/in-flight-req shows it', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const table = makeInFlight(0, () => {});
  table.add(fake(7));
  assert.deepEqual(table.rows().get('7'), {
    askedBy: undefined,
    start_time: '1970-01-01T00:00:00Z',
    client_remote_address: '127.0.0.1:7',
    request_path: '/v1/p7',
    request_method: 'GET',
  });
});

test('the signal fires after the duration, a tick later the request is given up; others go on', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const happened: string[] = [];
  const table = makeInFlight(3 * REQUEST_SWEEP_MS, (request) => happened.push(`overdue ${request.id}`));
  const [first, heeding] = [fake(1, () => happened.push('end 1')), fake(2, () => happened.push('end 2'))];
  table.add(first);
  table.add(heeding);
  t.mock.timers.tick(2 * REQUEST_SWEEP_MS);
  table.add(fake(3, () => happened.push('end 3')));
  assert.deepEqual(happened, []);
  t.mock.timers.tick(REQUEST_SWEEP_MS);
  assert.deepEqual(happened, ['end 1', 'end 2']);
  table.remove(heeding);
  t.mock.timers.tick(REQUEST_SWEEP_MS);
  assert.deepEqual(happened.slice(2), ['end 1', 'overdue 1']);
  assert.deepEqual([...table.rows().keys()], ['3']);
  t.mock.timers.tick(REQUEST_SWEEP_MS);
  assert.deepEqual(happened.slice(4), ['end 3']);
});

test('no duration, no deadline', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const table = makeInFlight(0, () => assert.fail('was given up'));
  table.add(fake(1, () => assert.fail('was ended')));
  t.mock.timers.tick(1_000 * REQUEST_SWEEP_MS);
  assert.equal(table.rows().size, 1);
});
