/** The Helm chart, rendered: Kubernetes' objects hang together, and the server takes the configuration. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config.ts';
import { COFFER_VERSION } from '../../src/model/version.ts';
import { renderTemplate } from '../support/helm-template.ts';
import { testFolder } from '../support/test-folder.ts';

const CHART = new URL('../../deploy/helm/coffer/', import.meta.url).pathname;
const read = (name: string) => readFileSync(join(CHART, name), 'utf8');
const chart = parse(read('Chart.yaml'));
const defaults = parse(read('values.yaml'));

// biome-ignore lint/suspicious/noExplicitAny: Kubernetes' objects are what they are.
type Any = any;

/** All objects that the chart makes, with `values` over the defaults. */
function render(values: Record<string, unknown> = {}): Map<string, Any> {
  const scope = {
    Values: { ...defaults, ...values },
    Release: { Name: 'vaults', Namespace: 'safe' },
    Chart: { AppVersion: chart.appVersion },
  };
  const objects = new Map<string, Any>();
  for (const name of readdirSync(join(CHART, 'templates'))) {
    const text = renderTemplate(read(`templates/${name}`), scope);
    assert.doesNotMatch(text, /\{\{|undefined|\[object/, name);
    if (!name.endsWith('.yaml')) continue;
    for (const document of parseAllDocuments(text)) {
      assert.deepEqual(document.errors, [], `${name}: ${text}`);
      const object = document.toJS() as Any;
      assert(object.apiVersion && object.kind && object.metadata.name, name);
      objects.set(`${object.kind} ${object.metadata.name}`, object);
    }
  }
  return objects;
}

function configOf(objects: Map<string, Any>) {
  const folder = testFolder('helm');
  const file = join(folder, 'coffer.hcl');
  writeFileSync(file, objects.get('ConfigMap vaults-config').data['coffer.hcl']);
  return loadConfig([file], {}, { dev: false });
}

test('the chart is of this release', () => {
  assert.equal(chart.appVersion, COFFER_VERSION);
  assert.equal(chart.version, COFFER_VERSION);
});

test('the configuration is one that the server takes', () => {
  const { config, warnings } = configOf(render());
  assert.deepEqual(warnings, []);
  assert.equal(config.storage?.type, 'etcd');
  assert.equal(config.cluster?.secretFile, '/run/coffer/cluster.secret');
  assert.equal(config.cluster?.approve, false);
  assert.equal(config.listeners.length, 2);
  assert.equal(config.listeners[0]?.tls_disable, true);
});

test('with other values: Consul, TLS, approval, no metrics, more HCL', () => {
  const objects = render({
    storage: 'storage "consul" {\n  address = "consul:8500"\n}\n',
    tls: { secretName: 'api-tls' },
    clusterSecret: { existingSecret: 'own', approve: true },
    metrics: { enabled: false, port: 9102 },
    extraConfig: 'log_level = "debug"\n',
    extraConfigSecret: 'more',
    podAnnotations: { a: 'b' },
    nodeSelector: { disk: 'ssd' },
    tolerations: [{ key: 'x', operator: 'Exists' }],
  });
  const { config } = configOf(objects);
  assert.equal(config.storage?.type, 'consul');
  assert.equal(config.cluster?.approve, true);
  assert.equal(config.logLevel, 'debug');
  assert.equal(config.listeners.length, 1);
  assert.equal(config.listeners[0]?.tls_cert_file, '/etc/coffer/tls/tls.crt');
  const pod = objects.get('StatefulSet vaults').spec.template;
  assert.deepEqual(pod.metadata.annotations, { a: 'b' });
  assert.deepEqual(pod.spec.nodeSelector, { disk: 'ssd' });
  assert.equal(pod.spec.tolerations[0].key, 'x');
  const [coffer] = pod.spec.containers;
  assert.equal(coffer.readinessProbe.httpGet.scheme, 'HTTPS');
  assert.deepEqual(coffer.args, ['server', '-config=/etc/coffer/config', '-config=/etc/coffer/extra']);
});

for (const values of [{}, { tls: { secretName: 'tls' }, extraConfigSecret: 'more' }]) {
  test(`the nodes: what is mounted is there, names fit; ${JSON.stringify(values)}`, () => {
    const objects = render(values);
    const set = objects.get('StatefulSet vaults').spec;
    const { spec, metadata } = set.template;
    assert.equal(set.replicas, 3);
    assert(objects.has(`Service ${set.serviceName}`), 'the service that names the pods');
    const volumes = new Set([
      ...spec.volumes.map(({ name }: Any) => name),
      ...set.volumeClaimTemplates.map(({ metadata: claim }: Any) => claim.name),
    ]);
    for (const container of [...spec.containers, ...spec.initContainers]) {
      assert.equal(container.image, `coffer:${COFFER_VERSION}`);
      assert.equal(container.securityContext.readOnlyRootFilesystem, true);
      for (const { name } of container.volumeMounts) assert(volumes.has(name), `${container.name}: ${name}`);
    }
    for (const { spec: service } of [objects.get('Service vaults'), objects.get('Service vaults-nodes')]) {
      for (const [label, value] of Object.entries(service.selector))
        assert.equal(metadata.labels[label], value);
      const named = spec.containers[0].ports.map(({ name }: Any) => name);
      for (const { targetPort } of service.ports) assert(named.includes(targetPort), targetPort);
    }
    assert.equal(objects.get('Service vaults-nodes').spec.publishNotReadyAddresses, true);
    assert.deepEqual(
      objects.get('PodDisruptionBudget vaults').spec.selector.matchLabels,
      set.selector.matchLabels,
    );
    for (const { path } of [
      spec.containers[0].livenessProbe.httpGet,
      spec.containers[0].startupProbe.httpGet,
    ])
      assert.match(path, /^\/v1\/sys\/health\?(\w+code=200&?)+$/);
  });
}
