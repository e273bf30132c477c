/**
 * hvac's own integration tests, unchanged from its sdist: they start `vault server -config=…` themselves, with the target's `vault` first
 * on PATH and no `consul` there.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyExceptions, type Check, type Exception, missingTool } from '../checks.ts';
import { exceptionsFor } from '../cluster/exceptions.ts';
import { findProgram, pathWithout, run } from '../programs.ts';
import { findPython, pythonEnvironment } from '../python.ts';
import type { Target } from '../target.ts';
import { HVAC_EXCEPTIONS } from './exceptions.ts';
import { HVAC_FILES, HVAC_FILES_NOT_YET } from './tests.ts';

const HVAC_VERSION = '2.4.0';
const HVAC_SHA256 = 'e0056ad9064e7923e874e6769015b032580b639e29246f5ab1044f7959c1c7e0';
const TESTS = 'tests/integration_tests/';
const RUN_TIMEOUT_MS = 240_000;
/** Three times the processes, each class of tests with its own, and they may have to share the machine. */
const CLUSTER_TIMEOUT_MS = 1_200_000;
const HERE = fileURLToPath(new URL('.', import.meta.url));
/** hvac's audit tests name this file themselves. */
const AUDIT_FILE = '/tmp/vault.audit.log';

/** Runs the tests in scope. `only` is a pytest `-k` expression, for work on one test. */
export async function runHvac(target: Target, only?: string): Promise<Check[]> {
  const python = findPython();
  if (python === undefined) return missingTool('hvac', 'python3');
  if (findProgram('vault', target.binFolder) === undefined)
    return missingTool('hvac', `${target.binFolder}/vault`);
  let bin: string;
  try {
    bin = await hvacEnvironment(python);
  } catch (error) {
    return missingTool('hvac', `Python packages from PyPI (${(error as Error).message})`);
  }
  const work = mkdtempSync(join(tmpdir(), 'coffer-hvac-'));
  const auditFileWasThere = existsSync(AUDIT_FILE);
  try {
    cpSync(join(bin, '..', 'sdist', 'tests'), join(work, 'tests'), { recursive: true });
    const checks = await runPytest(target, bin, work, only);
    if (only !== undefined) return checks;
    return applyExceptions([...unlistedFiles(work), ...checks], exceptionsOf(target));
  } finally {
    rmSync(work, { recursive: true, force: true });
    if (!auditFileWasThere) rmSync(AUDIT_FILE, { force: true });
  }
}

function exceptionsOf(target: Target): readonly Exception[] {
  return exceptionsFor(target, 'hvac', HVAC_EXCEPTIONS);
}

/** hvac is built from the sdist with the pinned poetry-core, and its tests are unpacked beside it. */
function hvacEnvironment(python: string): Promise<string> {
  const requirements = readFileSync(join(HERE, 'requirements.txt'), 'utf8').trim().split('\n');
  return pythonEnvironment(`hvac-${HVAC_VERSION}`, python, requirements, async (pip, folder) => {
    const from = ['--no-deps', '--no-build-isolation', '--no-binary', ':all:'];
    await pip('download', ...from, '--dest', folder, `hvac==${HVAC_VERSION}`);
    const sdist = join(folder, `hvac-${HVAC_VERSION}.tar.gz`);
    const hash = createHash('sha256').update(readFileSync(sdist)).digest('hex');
    if (hash !== HVAC_SHA256)
      throw new Error(`hvac ${HVAC_VERSION}: the sdist's SHA-256 is ${hash}, not ${HVAC_SHA256}`);
    await pip('install', '--no-deps', '--no-build-isolation', sdist);
    const unpacked = await run('tar', ['-xzf', sdist, '-C', folder], { timeoutMs: 30_000 });
    if (unpacked.code !== 0) throw new Error(unpacked.stderr);
    cpSync(join(folder, `hvac-${HVAC_VERSION}`), join(folder, 'sdist'), { recursive: true });
  });
}

async function runPytest(
  target: Target,
  bin: string,
  work: string,
  only: string | undefined,
): Promise<Check[]> {
  const report = join(work, 'report.jsonl');
  const result = await run(
    join(bin, 'python3'),
    [
      ...[
        '-m',
        'pytest',
        '-q',
        '-o',
        'addopts=',
        '-p',
        'no:cacheprovider',
        '-p',
        'report_plugin',
        '-W',
        'ignore',
      ],
      ...['-n', '2', '--dist', 'loadscope', ...(only === undefined ? [] : ['-k', only])],
      ...HVAC_FILES.map((file) => TESTS + file),
    ],
    {
      cwd: work,
      env: {
        ...Object.fromEntries(
          Object.keys(process.env)
            .filter(isServerVariable)
            .map((name) => [name, undefined]),
        ),
        PATH: target.binFolder + delimiter + pathWithout('consul'),
        HOME: work,
        PYTHONPATH: HERE,
        PYTHONDONTWRITEBYTECODE: '1',
        COMPAT_REPORT: report,
      },
      timeoutMs: target.name === 'cluster' ? CLUSTER_TIMEOUT_MS : RUN_TIMEOUT_MS,
    },
  );
  const checks = existsSync(report) ? parseReport(readFileSync(report, 'utf8')) : [];
  // pytest's own exit codes: 0 all passed, 1 some failed. Anything else and the lines we have are not the whole story.
  if (result.code === 0 || result.code === 1) return checks;
  const detail = result.timedOut
    ? 'pytest did not end in time'
    : `${result.stdout}\n${result.stderr}`.trim().slice(-4_000);
  return [...checks, { name: 'pytest', outcome: 'failed', detail }];
}

function isServerVariable(name: string): boolean {
  return /^(VAULT|COFFER|BAO|HVAC)_/.test(name) && name !== 'COFFER_CACHE';
}

/** One check for each test; a test that fails both in itself and in its tear-down is one failure. */
function parseReport(lines: string): Check[] {
  const checks = new Map<string, Check>();
  for (const line of lines.trim().split('\n').filter(Boolean)) {
    const { id, outcome, detail } = JSON.parse(line) as {
      id: string;
      outcome: 'passed' | 'failed' | 'skipped';
      detail: string;
    };
    const name = id.replace(TESTS, '');
    if (checks.get(name)?.outcome === 'failed') continue;
    checks.set(name, { name, outcome, detail: outcome === 'failed' ? shortened(detail) : detail });
  }
  return [...checks.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The lines of a Python failure that say what was expected: where in the test, and the error. */
function shortened(detail: string): string {
  const lines = detail.split('\n');
  const telling = lines.filter((line) => /^(E {3}|>)|^tests\/.*: /.test(line));
  return (telling.length > 0 ? telling : lines.slice(-15)).join('\n').slice(0, 3_000);
}

/** A failure for each integration test file of the sdist that neither table names, and for each name that is no file. */
function unlistedFiles(work: string): Check[] {
  const root = join(work, TESTS);
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^test_.*\.py$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const listed = [...HVAC_FILES, ...Object.keys(HVAC_FILES_NOT_YET)];
  const problem = (name: string, detail: string): Check => ({ name, outcome: 'failed', detail });
  return [
    ...files
      .filter((file) => !listed.includes(file))
      .map((file) => problem(file, 'stands in neither table of hvac/tests.ts')),
    ...listed.filter((file) => !files.includes(file)).map((file) => problem(file, 'is no test file of hvac')),
  ];
}
