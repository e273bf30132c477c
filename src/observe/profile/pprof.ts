/**
 * Profiles as `go tool pprof` and all that read its format take them: Google's profile.proto, gzipped. It is what Vault answers with, so what is
 * made for Vault's profiles (pprof, flame graphs of Grafana and others) reads ours.
 *
 * @module
 */
import { gzipSync } from 'node:zlib';

export interface Frame {
  readonly functionName: string;
  readonly file: string;
  /** From 1; 0: not known. */
  readonly line: number;
}

export interface Stack {
  /** Innermost first. */
  readonly frames: readonly Frame[];
  /** One for each type, whole numbers. */
  readonly values: readonly number[];
}

export interface Profile {
  /** What is counted and in which unit, such as `['cpu', 'nanoseconds']`. */
  readonly types: readonly (readonly [type: string, unit: string])[];
  readonly stacks: readonly Stack[];
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Between two samples, in the unit of the last type. */
  readonly period: number;
}

/** Numbers of the fields of `perftools.profiles.Profile` and of the messages in it. */
const PROFILE = {
  types: 1,
  samples: 2,
  locations: 4,
  functions: 5,
  strings: 6,
  time: 9,
  duration: 10,
  periodType: 11,
  period: 12,
};
const VALUE_TYPE = { type: 1, unit: 2 };
const SAMPLE = { location: 1, value: 2 };
const LOCATION = { id: 1, line: 4 };
const LINE = { function: 1, line: 2 };
const FUNCTION = { id: 1, name: 2, systemName: 3, file: 4, startLine: 5 };

/** @returns gzipped bytes. */
export function encodeProfile(profile: Profile): Buffer {
  const strings = new Map([['', 0]]);
  const text = (value: string): number => {
    const known = strings.get(value);
    if (known !== undefined) return known;
    strings.set(value, strings.size);
    return strings.size - 1;
  };
  const functions = new Map<string, number>();
  const out: number[] = [];
  const valueType = ([type, unit]: readonly [string, string]): number[] => [
    ...int(VALUE_TYPE.type, text(type)),
    ...int(VALUE_TYPE.unit, text(unit)),
  ];

  /** One location for each function: V8 says where a function begins, not where in it. */
  const locationOf = (frame: Frame): number => {
    const key = JSON.stringify([frame.functionName, frame.file, frame.line]);
    const known = functions.get(key);
    if (known !== undefined) return known;
    const id = functions.size + 1;
    functions.set(key, id);
    const name = text(frame.functionName);
    push(
      out,
      bytes(PROFILE.functions, [
        ...int(FUNCTION.id, id),
        ...int(FUNCTION.name, name),
        ...int(FUNCTION.systemName, name),
        ...int(FUNCTION.file, text(frame.file)),
        ...int(FUNCTION.startLine, frame.line),
      ]),
    );
    const line = [...int(LINE.function, id), ...int(LINE.line, frame.line)];
    push(out, bytes(PROFILE.locations, [...int(LOCATION.id, id), ...bytes(LOCATION.line, line)]));
    return id;
  };

  for (const type of profile.types) push(out, bytes(PROFILE.types, valueType(type)));
  for (const { frames, values } of profile.stacks) {
    push(
      out,
      bytes(PROFILE.samples, [
        ...bytes(
          SAMPLE.location,
          frames.flatMap((frame) => varint(locationOf(frame))),
        ),
        ...bytes(SAMPLE.value, values.flatMap(varint)),
      ]),
    );
  }
  push(out, int(PROFILE.time, profile.startedAtMs * 1_000_000));
  push(out, int(PROFILE.duration, profile.durationMs * 1_000_000));
  push(out, bytes(PROFILE.periodType, valueType(profile.types.at(-1)!)));
  push(out, int(PROFILE.period, profile.period));
  for (const value of strings.keys()) push(out, bytes(PROFILE.strings, [...Buffer.from(value)]));
  return gzipSync(Buffer.from(out));
}

/** Spreading a long list into one call would overflow the stack. */
function push(out: number[], more: readonly number[]): void {
  for (const byte of more) out.push(byte);
}

/** A whole number that is not negative. */
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return out;
}

/** Zero is what is not said. */
function int(field: number, value: number): number[] {
  if (value === 0) return [];
  return [...varint(field * 8), ...varint(value)];
}

/** A text, a message, or packed numbers. */
function bytes(field: number, content: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
}
