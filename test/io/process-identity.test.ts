import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { livenessOf, thisProcess } from '../../src/io/process-identity.js'

const onLinux = process.platform === 'linux' ? describe : describe.skip

onLinux('the identity of a process', () => {
  const { space } = thisProcess()
  const startOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]!

  test('its own says that it lives', () => {
    expect(thisProcess().pid).toBe(process.pid)
    expect(livenessOf(thisProcess())).toBe('alive')
  })

  test('one that has ended is dead', () => {
    const pid = Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString())
    expect(livenessOf({ pid, space, started: '1' })).toBe('dead')
  })

  test('another process with the same id is another one', () => {
    expect(livenessOf({ ...thisProcess(), started: '1' })).toBe('dead')
  })

  test('one that was killed is dead before its parent has asked', async () => {
    // The shell starts a program, says its id, and becomes one that never asks for its children.
    const parent = spawn('sh', ['-c', 'sleep 100 & echo $!; exec sleep 100'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const child = { pid: Number(line.toString()), space, started: startOf(Number(line.toString())) }
    expect(livenessOf(child)).toBe('alive')
    process.kill(child.pid, 'SIGKILL')
    while (!readFileSync(`/proc/${child.pid}/stat`, 'utf8').includes(') Z ')) await new Promise(setImmediate)
    expect(livenessOf(child)).toBe('dead')
    parent.kill('SIGKILL')
    await once(parent, 'exit')
  })

  test.each([
    ['another space', { space: `${space} other` }],
    ['no space', { space: undefined }],
    ['no start', { started: undefined }],
  ])('of one with %s it can’t be said', (_, difference) => {
    expect(livenessOf({ ...thisProcess(), ...difference })).toBe('unknown')
  })
})
