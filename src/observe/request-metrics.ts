/**
 * Requests, and what audit devices take of them, in this node's metrics.
 *
 * @module
 */
import type { Counter, Metrics } from './metrics.ts';

type Recorder = Pick<Metrics, 'samples' | 'counter'>;

/** @returns what is to be called once per request, at its end. @param startedMs - `performance.now()` at its start */
export function requestMeter({
  samples,
  counter,
}: Recorder): (operation: string, mountType: string, startedMs: number) => void {
  const handled = samples('core.handle_request', 'Milliseconds a request took.');
  const requests = counter('core.requests', 'Requests, by operation and type of mount.');
  const known = new Map<string, Counter>();
  return (operation, mountType, startedMs) => {
    handled.observe(performance.now() - startedMs);
    const key = `${operation} ${mountType}`;
    let count = known.get(key);
    if (!count) {
      count = requests.with({ operation, mount_type: mountType });
      known.set(key, count);
    }
    count.add();
  };
}

/** @returns what `makeAudit` tells of each entry. @param device - undefined: all together */
export function auditMeter({
  samples,
  counter,
}: Recorder): (
  what: 'log_request' | 'log_response',
  device: string | undefined,
  tookMs: number,
  failed: boolean,
) => void {
  const failures = {
    log_request: counter('audit.log_request_failure', 'Requests that no audit device took.'),
    log_response: counter('audit.log_response_failure', 'Replies that no audit device took.'),
  };
  // Vault shows these from the start.
  failures.log_request.add(0);
  failures.log_response.add(0);
  const together = {
    log_request: samples('audit.log_request', 'Milliseconds until a request was in an audit log.'),
    log_response: samples('audit.log_response', 'Milliseconds until a reply was in an audit log.'),
  };
  /** By device, so that no name has to be put together for each entry. */
  const ofDevices = new Map<string, typeof together>();
  function ofDevice(device: string): typeof together {
    let found = ofDevices.get(device);
    if (!found) {
      const of = (what: string) => samples(`audit.${device}.${what}`, `Milliseconds device ${device} took.`);
      found = { log_request: of('log_request'), log_response: of('log_response') };
      ofDevices.set(device, found);
    }
    return found;
  }
  return (what, device, tookMs, failed) => {
    if (device !== undefined) {
      ofDevice(device)[what].observe(tookMs);
      return;
    }
    together[what].observe(tookMs);
    if (failed) failures[what].add();
  };
}
