/**
 * A value in the form that JSON can hold: typed arrays become lists, and numbers that JSON has no form for (NaN, a
 * missing value, and the infinities) become null.
 */
export function toJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (isNumberArray(value)) return Array.from(value, (number) => (Number.isFinite(number) ? number : null));
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toJson(field)]));
}

function isNumberArray(value: object): value is object & ArrayLike<number> {
  return ArrayBuffer.isView(value) && 'length' in value;
}
