import { oneLine } from '../one-line.js';
import { displayWidth, fit } from './display-width.js';

export interface Column {
  readonly title: string;
  /** Numbers stand right. */
  readonly align?: 'left' | 'right';
  /** May be cut when the terminal is narrow; other columns keep their width as long as possible. */
  readonly shrink?: boolean;
}

const GAP = '  ';
/** Narrower than this a column says nothing. */
const MIN_WIDTH = 4;

/**
 * A table as lines, title first, each ending in a line break. Cells are cut (`…`) so that lines fit into `width`
 * columns; null means no limit, for output that is not a terminal. Control characters in cells, which may come from
 * other machines, become blanks. A missing cell is empty.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | null,
): string {
  const cells = [columns.map((column) => column.title), ...rows].map((row) =>
    columns.map((_, index) => oneLine(row[index] ?? '')),
  );
  const natural = columns.map((_, index) =>
    cells.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? '')), 0),
  );
  const widths =
    width === null ? natural : shrink(columns, natural, width - GAP.length * (columns.length - 1));
  return cells
    .map((row) => {
      const parts = columns.map((column, index) =>
        pad(row[index] ?? '', widths[index] ?? 0, column.align ?? 'left'),
      );
      return `${parts.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

/** Width for tables on `stream`: that of its terminal, or null. */
export function tableWidth(
  stream: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
): number | null {
  return stream.isTTY === true && stream.columns !== undefined && stream.columns > 0 ? stream.columns : null;
}

/** Takes from the widest column that may shrink, one by one, then from the widest of all. */
function shrink(columns: readonly Column[], natural: readonly number[], available: number): number[] {
  const widths = [...natural];
  const total = () => widths.reduce((sum, width) => sum + width, 0);
  const narrow = (candidates: readonly number[]) => {
    while (total() > available) {
      const widest = candidates.reduce<number | null>((best, index) => {
        const width = widths[index] ?? 0;
        return width > MIN_WIDTH && (best === null || width > (widths[best] ?? 0)) ? index : best;
      }, null);
      if (widest === null) return;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
  };
  const indices = columns.map((_, index) => index);
  narrow(indices.filter((index) => columns[index]?.shrink === true));
  narrow(indices);
  return widths;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const shown = fit(text, width);
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(shown)));
  return align === 'right' ? blanks + shown : shown + blanks;
}
