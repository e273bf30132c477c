/**
 * KV v2 once more, as naively as it can be said: one map of versions per secret, walked as Vault's plugin walks it. What the engine shows
 * is compared with it.
 *
 * @module
 */

export type Value = { [name: string]: unknown };

interface Version {
  value: Value;
  created: number;
  /** 0: none. */
  deletion: number;
  deleted: boolean;
  destroyed: boolean;
}

interface Secret {
  versions: Map<number, Version>;
  current: number;
  oldest: number;
  max: number;
  casRequired: boolean;
  after: number;
  custom: Record<string, string>;
  metadataVersion: number;
  created: number;
  updated: number;
}

export interface Settings {
  max_versions?: number | null;
  cas_required?: boolean | null;
  delete_version_after?: number | null;
  custom_metadata?: Record<string, string | null> | null;
}

export class Reference {
  now = 0;
  readonly secrets = new Map<string, Secret>();
  readonly config = { max: 0, cas: false, after: 0 };

  configure(settings: {
    max_versions?: number;
    cas_required?: boolean;
    delete_version_after?: number;
  }): void {
    this.config.max = settings.max_versions ?? this.config.max;
    this.config.cas = settings.cas_required ?? this.config.cas;
    const after = settings.delete_version_after;
    if (after !== undefined) this.config.after = after < 0 ? -1 : after;
  }

  /** @returns the status. */
  put(path: string, value: Value, cas: number | undefined): number {
    const secret = this.secrets.get(path) ?? blank(this.now, 0);
    if (!this.#casHolds(secret, cas)) return 400;
    this.secrets.set(path, secret);
    this.#add(secret, value);
    return 200;
  }

  patch(path: string, patch: Value, cas: number | undefined): number {
    const secret = this.secrets.get(path);
    if (!secret) return 404;
    if (!this.#casHolds(secret, cas)) return 400;
    const latest = secret.versions.get(secret.current);
    if (!latest || this.isGone(latest)) return 404;
    this.#add(secret, merge(latest.value, patch));
    return 200;
  }

  delete(path: string, numbers: readonly number[] | undefined): void {
    const secret = this.secrets.get(path);
    if (!secret) return;
    for (const number of numbers ?? [secret.current]) {
      const version = secret.versions.get(number);
      if (!version || this.isGone(version)) continue;
      version.deletion = this.now;
      version.deleted = true;
    }
  }

  undelete(path: string, numbers: readonly number[]): void {
    const secret = this.secrets.get(path);
    for (const number of secret ? numbers : []) {
      const version = secret!.versions.get(number);
      if (!version || version.destroyed) continue;
      version.deletion = this.#deletionOf(secret!);
      version.deleted = false;
    }
  }

  destroy(path: string, numbers: readonly number[]): void {
    for (const number of numbers) {
      const version = this.secrets.get(path)?.versions.get(number);
      if (version) version.destroyed = true;
    }
  }

  setMetadata(path: string, settings: Settings): void {
    if (Object.keys(settings).length === 0) return;
    // Null is "not given" for a duration, and leaves nothing to do where it stands alone.
    const { delete_version_after, ...others } = settings;
    if (delete_version_after == null && Object.keys(others).length === 0) return;
    const secret = this.secrets.get(path) ?? blank(this.now, this.now);
    this.secrets.set(path, secret);
    if (settings.max_versions !== undefined) secret.max = settings.max_versions ?? 0;
    if (settings.cas_required !== undefined) secret.casRequired = settings.cas_required ?? false;
    if (delete_version_after != null) secret.after = delete_version_after;
    if (settings.custom_metadata !== undefined) secret.custom = withoutNulls(settings.custom_metadata ?? {});
    secret.metadataVersion++;
  }

  patchMetadata(path: string, settings: Settings): number {
    const secret = this.secrets.get(path);
    if (!secret) return 404;
    if (Object.keys(settings).length === 0) return 204;
    if (settings.max_versions !== undefined) secret.max = settings.max_versions ?? 0;
    if (settings.cas_required !== undefined) secret.casRequired = settings.cas_required ?? false;
    if (settings.delete_version_after !== undefined) secret.after = settings.delete_version_after ?? 0;
    const custom = settings.custom_metadata;
    if (custom === null) secret.custom = {};
    else if (custom) {
      for (const [key, value] of Object.entries(custom)) {
        if (value === null) delete secret.custom[key];
        else secret.custom[key] = value;
      }
    }
    secret.metadataVersion++;
    return 204;
  }

  remove(path: string): void {
    this.secrets.delete(path);
  }

  /** Status and `data` of a read of one version. */
  read(path: string, asked: number): [number, unknown] {
    const secret = this.secrets.get(path);
    const number = asked > 0 ? asked : (secret?.current ?? 0);
    const version = secret?.versions.get(number);
    if (!secret || !version) return [404, undefined];
    const metadata = {
      created_time: timeOf(version.created),
      custom_metadata: Object.keys(secret.custom).length > 0 ? secret.custom : null,
      deletion_time: timeOf(version.deletion),
      destroyed: version.destroyed,
      version: number,
    };
    return this.isGone(version) ? [404, { data: null, metadata }] : [200, { data: version.value, metadata }];
  }

  /** `data` of a read of metadata. */
  describe(path: string): unknown {
    const secret = this.secrets.get(path);
    if (!secret) return undefined;
    const versions: Record<string, unknown> = {};
    for (const [number, { created, deletion, destroyed }] of secret.versions) {
      versions[number] = { created_time: timeOf(created), deletion_time: timeOf(deletion), destroyed };
    }
    return {
      cas_required: secret.casRequired,
      created_time: timeOf(secret.created),
      current_metadata_version: secret.metadataVersion,
      current_version: secret.current,
      custom_metadata: Object.keys(secret.custom).length > 0 ? secret.custom : null,
      delete_version_after: `${secret.after}s`,
      max_versions: secret.max,
      metadata_cas_required: false,
      oldest_version: secret.oldest,
      updated_time: timeOf(secret.updated),
      versions,
    };
  }

  isGone(version: Version): boolean {
    return version.destroyed || version.deleted || (version.deletion !== 0 && version.deletion <= this.now);
  }

  #casHolds(secret: Secret, cas: number | undefined): boolean {
    return cas === undefined ? !(this.config.cas || secret.casRequired) : cas === secret.current;
  }

  #deletionOf(secret: Secret): number {
    if (this.config.after < 0) return 0;
    const times = [secret.after, this.config.after].filter((seconds) => seconds > 0);
    return times.length === 0 ? 0 : this.now + Math.min(...times) * 1_000;
  }

  #add(secret: Secret, value: Value): void {
    secret.current++;
    secret.versions.set(secret.current, {
      value,
      created: this.now,
      deletion: this.#deletionOf(secret),
      deleted: false,
      destroyed: false,
    });
    secret.created ||= this.now;
    secret.updated = this.now;
    const max = Math.max(secret.max, this.config.max) > 0 ? Math.max(secret.max, this.config.max) : 10;
    if (secret.current - secret.oldest >= max) {
      const last = secret.current - max;
      for (let i = secret.oldest; i <= last; i++) secret.versions.delete(i);
      secret.oldest = last + 1;
    }
  }
}

function blank(now: number, created: number): Secret {
  return {
    versions: new Map(),
    current: 0,
    oldest: 0,
    max: 0,
    casRequired: false,
    after: 0,
    custom: {},
    metadataVersion: 0,
    created,
    updated: now,
  };
}

function timeOf(ms: number): string {
  return ms === 0 ? '' : new Date(ms).toISOString().replace('.000Z', 'Z');
}

function withoutNulls(custom: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(custom).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

/** One level is enough here; RFC 7396's own cases are tested elsewhere. */
function merge(value: Value, patch: Value): Value {
  const merged = { ...value, ...patch };
  for (const [name, member] of Object.entries(patch)) if (member === null) delete merged[name];
  return merged;
}
