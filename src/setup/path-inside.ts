import { isAbsolute, posix, resolve, sep } from 'node:path'

import { BackendError } from '../errors.js'

/**
 * Where a member of an archive goes below `folder`.
 *
 * @throws BackendError if its name would lead out of the folder.
 */
export function pathInside(folder: string, member: string, archive: string): string {
  const path = resolve(folder, member)
  const escapes = member.split(/[/\\]/).includes('..') || isAbsolute(member) || posix.isAbsolute(member)
  if (!escapes && !member.includes('\0') && path.startsWith(resolve(folder) + sep)) return path
  throw new BackendError('An archive holds a file that would be written outside its folder', {
    found: JSON.stringify(member),
    where: archive,
    hint: 'Do not trust this download.',
  })
}
