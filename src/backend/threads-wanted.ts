import { availableParallelism } from 'node:os'

import { InputError } from '../errors.js'

/** More than any processor has cores only get in each other's way. */
export const MAX_THREADS = 1024

/** As many as the environment's `SIGLIP_THREADS` says, else one for each core. @throws InputError if it says something else */
export function threadsWanted(): number {
  const said = process.env['SIGLIP_THREADS']
  if (!said) return availableParallelism()
  const wanted = Number(said)
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= MAX_THREADS) return wanted
  throw new InputError('Invalid number of threads', {
    expected: `a whole number from 1 to ${MAX_THREADS}`,
    found: said,
    where: 'SIGLIP_THREADS',
  })
}
