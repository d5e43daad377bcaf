import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FileError } from '../../src/errors.js'
import { isFlocked } from '../../src/io/flock.js'
import { type ProcessIdentity, thisProcess } from '../../src/io/process-identity.js'
import { withProcessLock } from '../../src/io/process-lock.js'
import { compileSources } from '../compiled-sources.js'

let folder: string
let lock: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-lock-'))
  lock = path.join(folder, 'blob.js.lock')
})
afterEach(() => rm(folder, { recursive: true }))

const inside = (): Promise<string> => Promise.resolve('in')
const later = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A lock as its holder would have written it. */
async function forge(holder: ProcessIdentity, file = lock): Promise<void> {
  await writeFile(file, `${JSON.stringify({ ...holder, id: '0123456789abcdef' })}\n           0\n`)
}
const elsewhere = { pid: 1, space: 'another-host boot 1', started: '1' }

test('one is in at a time, and the lock is gone after all, also after a failure', async () => {
  let count = 0
  const visit = async (): Promise<void> => {
    expect(++count).toBe(1)
    await later(5)
    count--
  }
  await Promise.all(Array.from({ length: 5 }, () => withProcessLock(lock, visit)))
  await expect(withProcessLock(lock, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await readdir(folder)).toEqual([])
})

test('a lock that a process left behind is taken over', async () => {
  const ended = Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString())
  await forge({ ...thisProcess(), pid: ended })
  expect(await withProcessLock(lock, inside)).toBe('in')
  await forge({ ...thisProcess(), pid: process.ppid, started: '1' }) // the id was given to another since
  expect(await withProcessLock(lock, inside)).toBe('in')
  await forge(elsewhere)
  expect(await withProcessLock(lock, inside, { abandonedAfter: 300 })).toBe('in')
  await writeFile(lock, '') // killed before it wrote its name
  expect(await withProcessLock(lock, inside, { abandonedAfter: 300 })).toBe('in')
  expect(await readdir(folder)).toEqual([])
})

test('a process that was killed while it took a lock over stands in nobody’s way', async () => {
  const ended = Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString())
  await forge({ ...thisProcess(), pid: ended })
  await forge({ ...thisProcess(), pid: ended }, `${lock}.0123456789abcdef.takeover`)
  await forge(elsewhere, `${lock}.fedcba9876543210.takeover`) // to take over a lock that is long gone
  expect(await withProcessLock(lock, inside)).toBe('in')
  expect(await readdir(folder)).toEqual([])
})

test('a lock of a live process, here or elsewhere, is waited for until the signal', async () => {
  for (const holder of [thisProcess(), elsewhere]) {
    await forge(holder)
    const signal = AbortSignal.timeout(150)
    await expect(withProcessLock(lock, inside, { signal })).rejects.toThrow(/timeout/)
  }
})

test('the time of the file says nothing: clocks are set, and those of other machines differ', async () => {
  await forge(elsewhere)
  for (const time of [new Date(0), new Date(Date.now() - 3_600_000), new Date(Date.now() + 3_600_000)]) {
    await utimes(lock, time, time)
    await expect(withProcessLock(lock, inside, { signal: AbortSignal.timeout(150) })).rejects.toThrow(/timeout/)
  }
})

test('a holder elsewhere that writes keeps its lock', async () => {
  let beats = 0
  const beat = async () => writeFile(lock, `${JSON.stringify({ ...elsewhere, id: '0123456789abcdef' })}\n${beats++}\n`)
  await beat()
  const heart = setInterval(() => void beat(), 50)
  const options = { abandonedAfter: 300, signal: AbortSignal.timeout(1200) }
  await expect(withProcessLock(lock, inside, options)).rejects.toThrow(/timeout/)
  clearInterval(heart)
})

test('a holder whose lock was taken notices, and what it does then counts for nothing', async () => {
  let reason: unknown
  const work = async (signal: AbortSignal): Promise<void> => {
    await forge(elsewhere, `${lock}.other`)
    await rename(`${lock}.other`, lock)
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve)
    })
    reason = signal.reason
  }
  await expect(withProcessLock(lock, work, { abandonedAfter: 300 })).rejects.toThrow(FileError)
  expect(reason).toBeInstanceOf(FileError)
  expect(await readFile(lock, 'utf8')).toContain('another-host') // it is the other one's
})

test('a folder that can’t be written is no lock, and said at once', async () => {
  await writeFile(path.join(folder, 'file'), '')
  for (const place of [path.join(folder, 'file', 'lock'), '/proc/siglip/lock', '/proc/self/lock'])
    await expect(withProcessLock(place, inside)).rejects.toHaveProperty('code')
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
    await later(milliseconds)
    order.push(name)
  }
  const first = withProcessLock(lock, work('first', 600), options)
  await later(20)
  await Promise.all([first, withProcessLock(lock, work('second', 0), options)])
  expect(order).toEqual(['waits', 'first', 'second'])
})

describe('processes', () => {
  let program: string
  beforeAll(async () => {
    program = await mkdtemp(path.join(tmpdir(), 'siglip-lock-program-'))
    await compileSources(program, [
      'src/errors.ts',
      ...['process-identity', 'process-lock', 'make-folder', 'system-error'].map((name) => `src/io/${name}.ts`),
    ])
    await writeFile(
      path.join(program, 'hold.js'),
      `import { withProcessLock } from './src/io/process-lock.js'
       const [lock, abandonedAfter] = process.argv.slice(2)
       await withProcessLock(lock, async () => {
         console.log('in')
         await new Promise((resolve) => process.stdin.once('data', resolve))
       }, { abandonedAfter: Number(abandonedAfter) })
       process.exit()`,
    )
    // Whoever is in puts its name down and finds it unchanged a moment later.
    await writeFile(
      path.join(program, 'visit.js'),
      `import { readFile, writeFile, appendFile } from 'node:fs/promises'
       import { withProcessLock } from './src/io/process-lock.js'
       const [lock, log, visits] = process.argv.slice(2)
       for (let i = 0; i < Number(visits); i++)
         await withProcessLock(lock, async () => {
           const name = process.pid + ' ' + i
           await writeFile(log + '.inside', name)
           await new Promise((resolve) => setTimeout(resolve, 3))
           await appendFile(log, (await readFile(log + '.inside', 'utf8')) === name ? 'alone\\n' : 'NOT ALONE\\n')
         }, { abandonedAfter: 5000 })`,
    )
  })
  afterAll(() => rm(program, { recursive: true }))

  /** Starts a process that holds the lock, and waits until it does. */
  async function holder(before: readonly string[] = [], abandonedAfter = 30_000): Promise<ChildProcess> {
    const [command, ...args] = [...before, process.execPath, path.join(program, 'hold.js'), lock, `${abandonedAfter}`]
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    return child
  }
  async function ended(child: ChildProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  test('the lock of one that was killed is free at once', async () => {
    const child = await holder()
    child.kill('SIGKILL')
    await ended(child)
    expect(existsSync(lock)).toBe(true)
    expect(await withProcessLock(lock, inside)).toBe('in')
  })

  test('one that was suspended keeps its lock', async () => {
    const child = await holder([], 300)
    child.kill('SIGSTOP')
    const options = { abandonedAfter: 300, signal: AbortSignal.timeout(1500) }
    await expect(withProcessLock(lock, inside, options)).rejects.toThrow(/timeout/)
    child.kill('SIGCONT')
    child.stdin!.write('end')
    await ended(child)
    expect(child.exitCode).toBe(0)
    expect(await withProcessLock(lock, inside)).toBe('in')
  })

  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
  const hasNamespaces = spawnSync('unshare', [...unshare.slice(1), 'true']).status === 0
  ;(hasNamespaces ? test : test.skip)('one in another PID namespace is left its lock while it lives', async () => {
    const child = await holder(unshare, 600) // its id is 1, as is another's here
    const options = { abandonedAfter: 600, signal: AbortSignal.timeout(2000) }
    await expect(withProcessLock(lock, inside, options)).rejects.toThrow(/timeout/)
    child.kill('SIGKILL')
    await ended(child)
    expect(await withProcessLock(lock, inside, { abandonedAfter: 600 })).toBe('in')
  })
  ;(hasNamespaces ? test : test.skip)('one in another PID namespace takes no lock of a live process here', async () => {
    const order: string[] = []
    let child: Promise<ChildProcess> | undefined
    const work = async (): Promise<void> => {
      child = holder(unshare, 600) // there the id of this process is free
      await later(2000)
      order.push('here')
    }
    await withProcessLock(lock, work, { abandonedAfter: 600 })
    const there = await child!
    order.push('there')
    there.stdin!.write('end')
    await ended(there)
    expect(order).toEqual(['here', 'there'])
  })

  test('of many that find a lock left over at once, and are killed at any moment, never two are in', async () => {
    const log = path.join(folder, 'log')
    const places = path.join(folder, 'locks')
    await mkdir(places)
    lock = path.join(places, 'lock')
    const dead = Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString())
    await forge({ ...thisProcess(), pid: dead })
    const visitors = Array.from({ length: 6 }, () =>
      spawn(process.execPath, [path.join(program, 'visit.js'), lock, log, '40'], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    )
    const doomed = visitors.slice(0, 4)
    for (const child of doomed) {
      await later(150)
      child.kill('SIGKILL')
    }
    await Promise.all(visitors.map(ended))
    const lines = (await readFile(log, 'utf8')).trim().split('\n')
    expect(new Set(lines)).toEqual(new Set(['alone']))
    expect(lines.length).toBeGreaterThanOrEqual(80)
    await withProcessLock(lock, inside)
    expect(await readdir(places)).toEqual([])
  }, 60_000)
})
