/**
 * Tables in columns, as Vault's users and their scripts cut them apart: four spaces between columns, `n/a` for what is empty.
 *
 * @module
 */

const GLUE = '    ';

/** Rows in aligned columns. Cells are trimmed; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.trim() || 'n/a'));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length);
  }
  const line = (row: string[]) => {
    const last = row.length - 1;
    return row.map((cell, i) => (i === last ? cell : pad(cell, widths[i] as number))).join(GLUE);
  };
  return cells.map(line).join('\n');
}

/** `columns` with the first row as header, underlined with dashes. */
export function table(rows: readonly (readonly string[])[]): string {
  const [header, ...rest] = rows;
  if (header === undefined) return '';
  return columns([header, header.map((cell) => '-'.repeat(cell.trim().length)), ...rest]);
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(width - [...text].length);
}
