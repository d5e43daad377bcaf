import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { isFlocked } from '../../src/hub/flock.js'
import { withProcessLock } from '../../src/hub/process-lock.js'

let folder: string
let lock: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-lock-'))
  lock = path.join(folder, 'blob.js.lock')
})
afterEach(() => rm(folder, { recursive: true }))

const inside = (): Promise<string> => Promise.resolve('in')

test('one is in at a time, and the lock is gone after all, also after a failure', async () => {
  let count = 0
  const visit = async (): Promise<void> => {
    expect(++count).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    count--
  }
  await Promise.all(Array.from({ length: 5 }, () => withProcessLock(lock, visit)))
  await expect(withProcessLock(lock, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await readdir(folder)).toEqual([])
})

test('a lock that a process left behind is taken over', async () => {
  const ended = execFileSync(process.execPath, ['-p', 'process.pid']).toString().trim()
  await writeFile(lock, `${ended}\n${hostname()}\nx`)
  expect(await withProcessLock(lock, inside)).toBe('in')

  for (const content of ['1\nanother-host\nx', '']) {
    await writeFile(lock, content)
    const past = new Date(Date.now() - 31_000)
    await utimes(lock, past, past)
    expect(await withProcessLock(lock, inside)).toBe('in')
  }
  expect(await readdir(folder)).toEqual([])
})

test('a lock of a live process, here or elsewhere, is waited for until the signal', async () => {
  for (const holder of [`${process.pid}\n${hostname()}\nx`, '1\nanother-host\nx']) {
    await writeFile(lock, holder)
    const signal = AbortSignal.timeout(150)
    await expect(withProcessLock(lock, inside, { signal })).rejects.toThrow(/timeout/)
  }
})

const hasFlock = process.platform === 'linux' && spawnSync('flock', ['--version']).status === 0
;(hasFlock ? test : test.skip)('Python’s way to lock is seen on Linux', async () => {
  const file = path.join(folder, 'blob.lock')
  await writeFile(file, '')
  expect(await isFlocked(file)).toBe(false)
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; read wait'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  expect(await isFlocked(file)).toBe(true)
  holder.stdin.end()
  await once(holder, 'exit')
  expect(await isFlocked(file)).toBe(false)
})

test('a holder that works for longer than a lock lasts untouched keeps others out, who are told that they wait', async () => {
  const order: string[] = []
  const options = { abandonedAfter: 200, onWait: () => void order.push('waits') }
  const work = (name: string, milliseconds: number) => async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    order.push(name)
  }
  const first = withProcessLock(lock, work('first', 600), options)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await Promise.all([first, withProcessLock(lock, work('second', 0), options)])
  expect(order).toEqual(['waits', 'first', 'second'])
})
