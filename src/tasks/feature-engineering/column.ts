/** Columns of one number a row. NaN marks a row that has no value: a warm-up row, or one where the formula is 0 / 0. */

/** A column without any value yet. */
export function emptyColumn(rows: number): Float64Array {
  return new Float64Array(rows).fill(NaN);
}

/** A column whose value at each row from `first` on is `value(row)`. */
export function columnFrom(rows: number, first: number, value: (row: number) => number): Float64Array {
  const column = emptyColumn(rows);
  for (let row = first; row < rows; row++) column[row] = value(row);
  return column;
}
