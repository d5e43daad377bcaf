import { InputError } from '../errors.js'

/**
 * Returns `name` if it names a file inside a folder, whatever the operating system: relative, `/` between its parts, none of them
 * `..`. Names come out of index files too, so that a checkpoint can't point outside its own folder.
 */
export function checkFileName(name: string): string {
  const inside =
    name !== '' && !/[\\\0]|^[A-Za-z]:/.test(name) && name.split('/').every((part) => !['', '.', '..'].includes(part))
  if (inside) return name
  throw new InputError('Invalid name of a file in a checkpoint folder', {
    expected: 'a relative name such as "model.safetensors"',
    found: JSON.stringify(name.slice(0, 200)),
    hint: 'Name a file inside the folder, with "/" between the parts.',
  })
}
