/** The value of an option as a number from `low` to `high`. Throws an Error whose message is fit for the user. */
export function parseNumber(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text !== '' && value >= low && value <= high) return value;
  throw new Error(`${option}: '${text}' is not a number from ${low} to ${high}`);
}
