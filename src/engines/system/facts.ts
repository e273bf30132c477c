/**
 * What there is to say about the server as a whole, most of which never changes: releases, replication, experiments (contract §2.12).
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import type { Encodable } from '../../model/json.ts';
import { VERSION_HISTORY } from '../../model/settings.ts';
import { rfc3339 } from '../../model/time.ts';
import { BUILD_DATE, VAULT_VERSION } from '../../model/version.ts';
import type { SettingsControl, SystemCore } from './core.ts';

const DISABLED = { mode: 'disabled' };

export function factRoutes(core: SystemCore): Record<string, Route> {
  return {
    'version-history': {
      sudo: true,
      list: operation({
        summary: 'Lists the releases that served this store.',
        params: {},
        run: async () => ({ data: await versionHistory(core.settings) }),
      }),
    },
    'replication/status': {
      open: true,
      read: operation({
        summary: 'Shows the replication between clusters: there is none.',
        params: {},
        run: () => ({ data: { ...DISABLED, dr: DISABLED, performance: DISABLED } }),
      }),
    },
    'seal-backend-status': {
      open: true,
      whileSealed: true,
      read: operation({
        summary: 'Says whether the seal can be reached.',
        params: {},
        run: () => ({ bare: { healthy: true, backends: [{ name: 'shamir', healthy: true }] } }),
      }),
    },
    experiments: {
      read: operation({
        summary: 'Lists the experiments: there are none.',
        params: {},
        run: () => ({ data: { available: [], enabled: [] } }),
      }),
    },
    'activation-flags': {
      read: operation({
        summary: 'Lists what has to be activated: nothing.',
        params: {},
        run: () => ({ data: { activated: [], unactivated: [] } }),
      }),
    },
    'well-known': {
      list: operation({
        summary: 'Lists what engines show below .well-known: nothing.',
        params: {},
        run: () => ({ data: { keys: [] } }),
      }),
    },
    'well-known/:label': {
      read: operation({ summary: 'Shows where a label leads: nowhere.', params: {}, run: () => ({}) }),
    },
    'internal/ui/version': {
      read: operation({
        summary: 'Shows the release, to who has a token.',
        params: {},
        run: () => ({ data: { version: VAULT_VERSION } }),
      }),
    },
    'internal/ui/feature-flags': {
      open: true,
      read: operation({
        summary: 'Lists the features of the web interface that are switched on: none.',
        params: {},
        run: () => ({ bare: { feature_flags: null } }),
      }),
    },
  };
}

async function versionHistory(settings: SettingsControl): Promise<{ [key: string]: Encodable }> {
  const installed = await Promise.all(
    (await settings.names(VERSION_HISTORY)).map(
      async (version) => [version, Number(await settings.current(VERSION_HISTORY + version))] as const,
    ),
  );
  installed.sort(([, a], [, b]) => a - b);
  const keyInfo: { [key: string]: Encodable } = {};
  let previous: string | null = null;
  for (const [version, atMs] of installed) {
    keyInfo[version] = {
      build_date: version === VAULT_VERSION ? BUILD_DATE : null,
      previous_version: previous,
      timestamp_installed: rfc3339(Math.floor(atMs / 1_000) * 1_000),
    };
    previous = version;
  }
  return { keys: installed.map(([version]) => version), key_info: keyInfo };
}
