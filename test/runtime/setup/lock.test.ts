import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

import { BackendError } from '../../../src/errors.js'
import { withLock } from '../../../src/runtime/setup/lock.js'

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'))
  path = join(folder, 'deeper', 'lock')
})
afterEach(() => rm(folder, { recursive: true }))

const quick = { abandonedAfter: 200 }

it('lets one in after the other, whoever comes first', async () => {
  let inside = 0
  const visits = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      withLock(path, quick, async () => {
        expect(++inside).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 5))
        inside--
        return i
      }),
    ),
  )
  expect(visits).toEqual([0, 1, 2, 3, 4, 5])
  expect(await readdir(join(folder, 'deeper'))).toEqual([])
})

it('keeps others out for longer than a lock lasts untouched', async () => {
  const order: string[] = []
  const first = withLock(path, quick, async () => {
    await new Promise((resolve) => setTimeout(resolve, 600))
    order.push('first')
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  await withLock(path, quick, () => Promise.resolve(order.push('second')))
  await first
  expect(order).toEqual(['first', 'second'])
})

it('is free again when the work fails', async () => {
  await expect(withLock(path, quick, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await withLock(path, quick, () => Promise.resolve('in'))).toBe('in')
})

it('does not last after a process that was killed', async () => {
  await withLock(path, {}, () => Promise.resolve())
  const noSuchProcess = 0x7ffffffe
  await writeFile(path, [noSuchProcess, hostname(), 'id'].join('\n'))
  expect(await withLock(path, {}, () => readFile(path, 'utf8'))).toContain(String(process.pid))
})

it('does not last after a machine that is gone', async () => {
  await withLock(path, {}, () => Promise.resolve())
  await writeFile(path, [1, 'another-machine', 'id'].join('\n'))
  const longAgo = new Date(Date.now() - 3_600_000)
  await utimes(path, longAgo, longAgo)
  expect(await withLock(path, {}, () => Promise.resolve('in'))).toBe('in')
})

it('stops waiting when told to, and says that it waits', async () => {
  await withLock(path, {}, () => Promise.resolve())
  await writeFile(path, [process.pid, hostname(), 'id'].join('\n'))
  const stop = new AbortController()
  const onWait = jest.fn(() => {
    stop.abort()
  })
  await expect(withLock(path, { signal: stop.signal, onWait }, () => Promise.resolve())).rejects.toThrow(BackendError)
  expect(onWait).toHaveBeenCalledTimes(1)
  expect(await readFile(path, 'utf8')).toContain(String(process.pid))
})
