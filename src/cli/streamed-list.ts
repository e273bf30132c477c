/**
 * A list that is printed as it is found, in the format that was asked for: nobody waits for its end, and nothing holds all of it.
 *
 * @module
 */
import { once } from 'node:events';
import type { Encodable } from '../model/json.ts';
import { localFailure } from './failure.ts';
import { encodeJsonIndented } from './go-json.ts';
import type { Printer } from './output.ts';

export interface StreamedList {
  /** @param row - for people. @param value - for machines. Resolves once more may be written. */
  add(row: string, value: Encodable): Promise<void>;
  /** Once, also where something failed meanwhile: what is printed is whole JSON then, too. */
  end(): Promise<void>;
}

/** @param heading - above the first row of a table. @throws CommandFailure where the format has no lists. */
export function streamedList({ terminal, format }: Printer, heading: string): StreamedList {
  const out = terminal.streams.stdout;
  let count = 0;
  const write = async (text: string) => {
    if (!out.write(text)) await once(out, 'drain');
  };
  switch (format) {
    case 'table':
      return {
        add: (row) => write(`${count++ === 0 ? `${heading}\n${'-'.repeat(heading.length)}\n` : ''}${row}\n`),
        end: async () => {},
      };
    case 'json':
      return {
        add: (_row, value) =>
          write(`${count++ === 0 ? '[' : ','}\n  ${encodeJsonIndented(value).replaceAll('\n', '\n  ')}`),
        end: () => write(count === 0 ? '[]\n' : '\n]\n'),
      };
    case 'yaml':
    case 'yml':
      return {
        async add(_row, value) {
          count++;
          const { encodeYaml } = await import('./yaml.ts');
          await write(`${encodeYaml([value])}\n`);
        },
        end: async () => (count === 0 ? write('[]\n') : undefined),
      };
    default:
      throw localFailure('A list that is printed as it is found has the formats table, json and yaml.');
  }
}
