/** Whether a value is an object other than an array, such as those of JSON; its properties are unchecked. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
