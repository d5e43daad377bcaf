/** A setting's name in TypeScript as the files on disk spell it, or all such names in a text: `doResize` is `do_resize`. */
export function snakeCase(text: string): string {
  return text.replace(/([a-z0-9])([A-Z])/g, (_, before: string, letter: string) => `${before}_${letter.toLowerCase()}`)
}
