/** The largest of numbers, however many there are: `Math.max(...numbers)` ends at some 120,000. */
export function largest(numbers: Iterable<number>, atLeast = -Infinity): number {
  let most = atLeast
  for (const number of numbers) if (number > most || Number.isNaN(number)) most = number
  return most
}
