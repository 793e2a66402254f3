/** A symmetric matrix as its rows, each n values; NaN where a value does not exist. */
export type Matrix = readonly Float64Array[];

export function emptyMatrix(size: number): Float64Array[] {
  return Array.from({ length: size }, () => new Float64Array(size).fill(NaN));
}

export function cell(matrix: Matrix, row: number, column: number): number {
  return matrix[row]?.[column] ?? NaN;
}

export function setCell(matrix: Matrix, row: number, column: number, value: number): void {
  const cells = matrix[row];
  if (cells === undefined) throw new RangeError(`no row ${row} in the matrix`);
  cells[column] = value;
}

/** Sets the value of a pair on both sides of the diagonal. */
export function setPair(matrix: Matrix, a: number, b: number, value: number): void {
  setCell(matrix, a, b, value);
  setCell(matrix, b, a, value);
}

/** Calls `visit` for every pair a < b, row by row. */
export function forEachPair(size: number, visit: (a: number, b: number) => void): void {
  for (let a = 0; a < size; a++) {
    for (let b = a + 1; b < size; b++) visit(a, b);
  }
}

/** A coefficient that rounding took past its range, put back. */
export function clampToUnit(value: number): number {
  return value > 1 ? 1 : value < -1 ? -1 : value;
}
