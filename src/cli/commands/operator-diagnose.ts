/**
 * `operator diagnose`.
 *
 * @module
 */
import type { Encodable } from '../../model/json.ts';
import { VAULT_VERSION } from '../../model/version.ts';
import { command, expectArguments } from '../command.ts';
import { CommandFailure } from '../failure.ts';
import { boolFlag, type FlagTable, listFlag } from '../flags.ts';
import { printData } from '../output.ts';

const flags = {
  config: listFlag('Configuration file, or a folder of them. May be given several times.'),
  skip: listFlag('What is not to be looked at: "listener", "storage", "autounseal".'),
  debug: boolFlag(
    'Show all that was seen: settings in force, how long each check took, whole errors with causes.',
  ),
} satisfies FlagTable;

/** As `src/diagnose.ts` gives it. */
interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly message?: string;
  readonly children?: readonly Finding[];
  readonly tookMs?: number;
  readonly details?: readonly string[];
}

const SHOWN = { ok: 'success', warn: 'warning', fail: 'failure', skipped: 'skipped' } as const;
/** Vault's: of the worst that was found; 3 where nothing could be looked at. */
const EXIT = { ok: 0, skipped: 0, fail: 1, warn: 2 } as const;
const NOTHING_TO_LOOK_AT = 3;

export const operatorDiagnose = command({
  usage: 'operator diagnose [options]',
  about: `
Looks for what would keep a server from starting, or will hurt it later: its configuration, files,
certificates, ports, store and system. It starts nothing. To be called as the server's user, with its
environment.

    $ vault operator diagnose -config=/etc/coffer/config.hcl
    $ vault operator diagnose -config=/etc/coffer/config.hcl -skip=listener
    $ vault operator diagnose -config=/etc/coffer/config.hcl -debug`,
  flags,
  output: { format: true },
  async run({ args, flags: { config, skip, debug }, env, printer, terminal }) {
    expectArguments(args, 0);
    if (config.length === 0)
      throw new CommandFailure(NOTHING_TO_LOOK_AT, 'Must specify a configuration file using -config.');
    const { diagnose } = await import('../../diagnose.ts');
    const skipped = skip.flatMap((names) => names.split(','));
    const found: Finding = await diagnose({ config, skip: skipped, env: env as NodeJS.ProcessEnv });
    if (printer.format === 'table') {
      terminal.output(`Vault v${VAULT_VERSION}\n\nResults:\n${lines(found, '', debug).join('\n')}`);
    } else await printData(printer, toJson(found, debug));
    return EXIT[found.status];
  },
});

function lines(finding: Finding, indent: string, debug: boolean): string[] {
  const { name, status, message, children = [], tookMs, details = [] } = finding;
  const text = message === undefined ? name : `${name}: ${message}`;
  const took = debug && tookMs !== undefined ? ` (${tookMs} ms)` : '';
  return [
    `${indent}[ ${SHOWN[status]} ] ${text}${took}`,
    ...(debug ? details.map((detail) => `${indent}    ${detail}`) : []),
    ...children.flatMap((child) => lines(child, `${indent}  `, debug)),
  ];
}

function toJson({ name, status, message, children, tookMs, details }: Finding, debug: boolean): Encodable {
  const more = debug ? { took_ms: tookMs, details } : {};
  return { name, status, message, ...more, children: children?.map((child) => toJson(child, debug)) };
}
