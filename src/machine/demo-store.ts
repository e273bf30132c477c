/**
 * What a demo leaves in somebody else's etcd or Consul: nothing.
 *
 * @module
 */
import { makeConsulDriver } from '../storage/consul.ts';
import { makeConsulClient } from '../storage/consul-client.ts';
import type { Driver } from '../storage/driver.ts';
import { makeEtcdDriver } from '../storage/etcd.ts';
import { makeEtcdClient } from '../storage/etcd-client.ts';
import { systemClock } from '../system-clock.ts';

export interface DemoKeys {
  readonly type: 'etcd' | 'consul';
  /** `http://host:port`, or several with commas between them. */
  readonly address: string;
  /** What all keys begin with; ends in `/`. */
  readonly path: string;
}

/** @throws CallFailed where the store does not answer. */
export async function removeDemoKeys({ type, address, path }: DemoKeys): Promise<void> {
  const options = { endpoints: address.split(',').map((one) => one.trim()), clock: systemClock };
  const driver: Driver =
    type === 'etcd'
      ? makeEtcdDriver(makeEtcdClient(options), path)
      : makeConsulDriver(makeConsulClient(options), path);
  try {
    await driver.removeAll('');
  } finally {
    driver.close();
  }
}
