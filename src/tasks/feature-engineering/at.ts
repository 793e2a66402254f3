/**
 * `array[index]` where the index is known to be inside. The compiler cannot know that, and a check here would cost
 * as much as the arithmetic around it.
 */
export function at(array: Float64Array, index: number): number {
  return array[index] as number;
}
