/**
 * The last so many things noted by name; beyond that the one noted longest ago is forgotten. For hints alone: what is forgotten must be
 * harmless.
 *
 * @module
 */

export interface Recent<T> {
  get(name: string): T | undefined;
  set(name: string, value: T): void;
  delete(name: string): void;
  clear(): void;
}

export function makeRecent<T>(max: number): Recent<T> {
  const values = new Map<string, T>();
  return {
    get: (name) => values.get(name),
    set(name, value) {
      values.delete(name);
      if (values.size >= max) values.delete(values.keys().next().value!);
      values.set(name, value);
    },
    delete: (name) => void values.delete(name),
    clear: () => values.clear(),
  };
}
