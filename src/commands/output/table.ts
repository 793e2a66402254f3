import { oneLine } from '../one-line.js';
import { displayWidth, fit } from './display-width.js';

export interface Column {
  readonly title: string;
  /** Numbers stand right. */
  readonly align?: 'left' | 'right';
  /** May be cut when the terminal is narrow; other columns keep their width as long as possible. */
  readonly shrink?: boolean;
  /** When the terminal is narrow such columns are left out before others become too short: 1 first, then 2, and so on. */
  readonly leaveOut?: number;
}

const GAP = '  ';
/** Narrower than this a column says nothing. */
const MIN_WIDTH = 4;
/** At this width a column that may shrink still tells most things apart. */
const READABLE_WIDTH = 8;

/**
 * A table as lines, title first, each ending in a line break. Cells are cut (`…`) so that lines fit into `width`
 * columns, after columns that may be are left out; null means no limit, for output that is not a terminal. Control
 * characters in cells, which may come from other machines, become blanks. A missing cell is empty.
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
  const places = placesFor(columns, natural, width ?? Infinity);
  const widths = shrink(
    places.map((place) => ({ ...columns[place], width: natural[place] ?? 0 })),
    (width ?? Infinity) - gaps(places.length),
  );
  return cells
    .map((row) => {
      const parts = places.map((place, index) =>
        pad(row[place] ?? '', widths[index] ?? 0, columns[place]?.align ?? 'left'),
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

const gaps = (columns: number) => GAP.length * Math.max(0, columns - 1);

/** The columns that stay, by their places. */
function placesFor(columns: readonly Column[], natural: readonly number[], width: number): readonly number[] {
  let places = columns.map((_, place) => place);
  const least = (place: number) => {
    const whole = natural[place] ?? 0;
    return columns[place]?.shrink === true ? Math.min(READABLE_WIDTH, whole) : whole;
  };
  const expendable = places
    .filter((place) => columns[place]?.leaveOut !== undefined)
    .sort((a, b) => (columns[a]?.leaveOut ?? 0) - (columns[b]?.leaveOut ?? 0));
  for (const place of expendable) {
    if (places.reduce((sum, kept) => sum + least(kept), gaps(places.length)) <= width) break;
    places = places.filter((kept) => kept !== place);
  }
  return places;
}

/** Takes from the widest column that may shrink, one by one, then from the widest of all. Returns the widths. */
function shrink(
  columns: readonly { readonly shrink?: boolean; readonly width: number }[],
  available: number,
): readonly number[] {
  const widths = columns.map(({ width }) => width);
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
