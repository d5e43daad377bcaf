const warned = new WeakMap<object, Set<string>>()

/** Writes a line to the console's warnings, each once for every `owner`. */
export function warnOnce(owner: object, message: string): void {
  const messages = warned.get(owner) ?? new Set<string>()
  if (messages.has(message)) return
  warned.set(owner, messages.add(message))
  console.warn(`siglip-tfjs: ${message}`)
}
