/**
 * `array[index]` where the index is known to be inside. The compiler cannot know that, and a check here would cost
 * as much as the arithmetic around it. It is always a Float64Array and never read outside: either would slow every
 * kernel down, as all share the one place where V8 learns the type of this access.
 */
export function at(array: Float64Array, index: number): number {
  return array[index] as number;
}
