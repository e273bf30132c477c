/**
 * Counts what `node --test` reports and prints progress: one line a file, failures in full.
 *
 * @module
 */
import { relative } from 'node:path';

/** Of one file's output, the last so many characters are kept and printed should it fail. */
const OUTPUT_CHARS_MAX = 20_000;

export interface Tally {
  passed: number;
  failed: number;
  /** Name and reason of each. */
  skipped: string[];
}

export interface TallyOptions {
  /** File names are printed from here. */
  root: string;
  /** Then a test that is skipped for anything but the platform, to be run by hand, or for what is not served yet, counts as failed. */
  strict: boolean;
  print(line: string): void;
}

/** What `run()` of node:test yields, as far as it is read here. */
export interface TestEvent {
  type: string;
  data: {
    name?: string;
    file?: string;
    nesting?: number;
    skip?: string | boolean;
    todo?: string | boolean;
    message?: string;
    details?: { duration_ms: number; type?: string; error?: { failureType?: string; cause?: unknown } };
  };
}

/** One test file while it runs. */
interface FileTally extends Tally {
  tests: number;
  milliseconds: number;
  output: string;
  failures: string[];
  /** Its process has ended. */
  completed: boolean;
  /** Its last test was reported. Comes before or after the end of the process; not at all where that crashed. */
  summed: boolean;
}

/** Reads all events. Resolves when every file has ended. */
export async function tally(events: AsyncIterable<TestEvent>, options: TallyOptions): Promise<Tally> {
  const { root, strict, print } = options;
  const sum: Tally = { passed: 0, failed: 0, skipped: [] };
  const files = new Map<string, FileTally>();

  const end = (name: string, file: FileTally): void => {
    files.delete(name);
    if (file.tests === 0 && file.failed === 0) fail(file, 'the file holds no test that ran');
    sum.passed += file.passed;
    sum.failed += file.failed;
    sum.skipped.push(...file.skipped.map((line) => `${name} › ${line}`));
    print(summaryOf(name, file));
    for (const failure of file.failures) print(indent(failure));
    if (file.failed > 0 && file.output !== '') print(indent(`its output:\n${file.output}`));
  };

  for await (const { type, data } of events) {
    if (data?.file === undefined) continue;
    const name = relative(root, data.file);
    let file = files.get(name);
    // A file that has ended is still named once more, in its place in the order.
    if (!file && type !== 'test:enqueue') continue;
    if (!file) {
      file = newFile();
      files.set(name, file);
    }
    if (type === 'test:stdout' || type === 'test:stderr' || type === 'test:diagnostic') {
      const end = type === 'test:diagnostic' ? '\n' : '';
      file.output = (file.output + data.message + end).slice(-OUTPUT_CHARS_MAX);
    } else if (type === 'test:summary') {
      file.summed = true;
    } else if (data.nesting === 0 && data.name === data.file) {
      if (type === 'test:complete') completed(file, data);
    } else if (type === 'test:pass') {
      passed(file, data, strict);
    } else if (type === 'test:fail' && data.details?.error?.failureType !== 'subtestsFailed') {
      // A suite that failed only because a test in it did has been counted there.
      file.tests += 1;
      fail(file, `${data.name}\n${textOf(data.details?.error)}`);
    }
    if (file.completed && file.summed) end(name, file);
  }
  for (const [name, file] of [...files]) end(name, file);
  return sum;
}

function newFile(): FileTally {
  return {
    passed: 0,
    failed: 0,
    skipped: [],
    tests: 0,
    milliseconds: 0,
    output: '',
    failures: [],
    completed: false,
    summed: false,
  };
}

function fail(file: FileTally, text: string): void {
  file.failed += 1;
  file.failures.push(text);
}

function passed(file: FileTally, data: TestEvent['data'], strict: boolean): void {
  if (data.details?.type === 'suite' && !data.skip) return;
  file.tests += 1;
  const reason = data.skip || data.todo;
  if (!reason) {
    file.passed += 1;
    return;
  }
  const line = `${data.name}: ${reason === true ? 'no reason given' : reason}`;
  if (strict && !/^(platform|by hand|not yet):/.test(String(reason)))
    fail(file, `skipped, which CI takes for a failure: ${line}`);
  else file.skipped.push(line);
}

/** The file's process is over. That it failed is news only where no test in it did: it crashed, or ran out of time. */
function completed(file: FileTally, data: TestEvent['data']): void {
  file.completed = true;
  file.milliseconds = data.details?.duration_ms ?? 0;
  const error = data.details?.error;
  if (error && error.failureType !== 'subtestsFailed') fail(file, `the process: ${textOf(error)}`);
}

function textOf(error: { cause?: unknown } | undefined): string {
  const cause = error?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

function summaryOf(name: string, file: FileTally): string {
  const verdict = file.failed > 0 ? 'FAILED' : 'ok    ';
  const failed = file.failed > 0 ? `, ${file.failed} failed` : '';
  const skips = file.skipped.length > 0 ? `, ${file.skipped.length} skipped` : '';
  return `${verdict} ${name}: ${file.passed} passed${failed}${skips} (${(file.milliseconds / 1_000).toFixed(1)} s)`;
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '    ');
}
