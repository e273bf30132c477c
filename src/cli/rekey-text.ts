/**
 * What `operator rekey` prints: rows and members are those of Vault's command.
 *
 * @module
 */
import type { Encodable, JsonMap } from '../model/json.ts';
import type { Run } from './command.ts';
import { display, wrapText } from './go-text.ts';
import { printData } from './output.ts';
import { asTexts } from './secret.ts';
import { table } from './table.ts';

type Printing = Pick<Run, 'terminal' | 'printer' | 'program'>;

const textOf = (map: JsonMap, name: string): string => display(map.get(name) ?? '');

export async function printStatus({ terminal, printer }: Printing, now: JsonMap): Promise<number> {
  if (printer.format !== 'table') {
    const names = ['nonce', 'started', 't', 'n', 'progress', 'required', 'pgp_fingerprints', 'backup'];
    const known = [...names, 'verification_required'].map((name) => [name, now.get(name) ?? null]);
    const nonce = now.get('verification_nonce') ?? '';
    return printData(printer, { ...Object.fromEntries(known), verification_nonce: nonce });
  }
  const text = (name: string) => textOf(now, name);
  const rows = [
    ['Key', 'Value'],
    ['Nonce', text('nonce')],
    ['Started', text('started')],
  ];
  if (now.get('started') === true) {
    const progress = `${text('progress')}/${text('required')}`;
    const isVerified = text('progress') === text('required');
    rows.push(['Rekey Progress', isVerified ? `${progress} (verification in progress)` : progress]);
    rows.push(['New Shares', text('n')], ['New Threshold', text('t')]);
    rows.push(['Verification Required', text('verification_required')]);
    if (text('verification_nonce') !== '') rows.push(['Verification Nonce', text('verification_nonce')]);
  }
  const fingerprints = asTexts(now.get('pgp_fingerprints')) ?? [];
  if (fingerprints.length > 0) {
    rows.push(['PGP Fingerprints', `[${fingerprints.join(' ')}]`], ['Backup', text('backup')]);
  }
  terminal.output(table(rows));
  return 0;
}

export async function printVerification({ terminal, printer }: Printing, now: JsonMap): Promise<number> {
  if (printer.format !== 'table') {
    const names = ['nonce', 'started', 't', 'n', 'progress'];
    return printData(printer, Object.fromEntries(names.map((name) => [name, now.get(name) ?? null])));
  }
  const text = (name: string) => textOf(now, name);
  terminal.output(
    table([
      ['Key', 'Value'],
      ['Started', text('started')],
      ['New Shares', text('n')],
      ['New Threshold', text('t')],
      ['Verification Nonce', text('nonce')],
      ['Verification Progress', `${text('progress')}/${text('t')}`],
    ]),
  );
  return 0;
}

/** For machines. */
export function rekeyResult(done: JsonMap): Encodable {
  const list = (name: string) => asTexts(done.get(name)) ?? null;
  return {
    nonce: textOf(done, 'nonce'),
    complete: true,
    keys: list('keys'),
    keys_base64: list('keys_base64'),
    pgp_fingerprints: list('pgp_fingerprints'),
    backup: done.get('backup') === true,
    verification_required: done.get('verification_required') === true,
    verification_nonce: done.get('verification_nonce') ?? undefined,
    warnings: asTexts(done.get('warnings')) ?? undefined,
  };
}

/** For people. @param begun - the status before the last share. */
export function printKeys(run: Printing, kind: string, begun: JsonMap, done: JsonMap): void {
  const { terminal, program } = run;
  const hex = asTexts(done.get('keys')) ?? [];
  const base64 = asTexts(done.get('keys_base64')) ?? [];
  const fingerprints = asTexts(done.get('pgp_fingerprints')) ?? [];
  terminal.output('');
  for (const [i, key] of (base64.length === hex.length ? base64 : hex).entries()) {
    const holder = fingerprints[i];
    terminal.output(
      holder === undefined ? `Key ${i + 1}: ${key}` : `Key ${i + 1} fingerprint: ${holder}; value: ${key}`,
    );
  }
  if (textOf(done, 'nonce') !== '') terminal.output(`\nOperation nonce: ${textOf(done, 'nonce')}`);
  const paragraphs = [];
  if (fingerprints.length > 0 && done.get('backup') === true) {
    paragraphs.push(
      `The encrypted keys are kept in the store, too, until they are deleted: see "${program} operator rekey -backup-delete".`,
    );
  }
  const [n, t] = [textOf(begun, 'n'), textOf(begun, 't')];
  const shares = `${n} key shares and a key threshold of ${t}`;
  if (done.get('verification_required') === true) {
    paragraphs.push(
      `Vault has created a new ${kind.toLowerCase()} key, split into ${shares}. These are not in force yet: give ${t} of them to "${program} operator rekey -verify" first.`,
      'Until then the former shares are those that count. Nobody may throw theirs away before. Where the rekey is ended, the new shares are worth nothing.',
    );
  } else {
    paragraphs.push(
      `Vault ${kind.toLowerCase()} keys rekeyed to ${shares}. Give the shares above to different people, by safe ways. The former ones open nothing any more.`,
    );
  }
  terminal.output(`\n${paragraphs.map((text) => wrapText(text)).join('\n\n')}`);
  for (const warning of asTexts(done.get('warnings')) ?? [])
    terminal.warn(`\n${wrapText(`WARNING! ${warning}`)}`);
  if (done.get('verification_required') === true) terminal.output('');
}
