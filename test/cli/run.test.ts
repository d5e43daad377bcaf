import { existsSync } from 'node:fs'
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fixture, siglip } from './siglip.js'

const commands = ['classify', 'embed', 'tokenize', 'inspect', 'setup', 'doctor']
const image = fixture('images', 'small-rgb.png')

describe('siglip', () => {
  it('shows all commands, and an example for each', async () => {
    const [all, ...each] = await Promise.all(
      [[], ...commands.map((name) => [name])].map((args) => siglip([...args, '--help'])),
    )
    expect(all).toMatchObject({ code: 0, stderr: '' })
    for (const name of commands) expect(all!.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    for (const [i, { code, stdout, stderr }] of each.entries()) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(new RegExp(`\nExample:\n  \\$ siglip ${commands[i]}`))
    }
  })

  it('tells its version', async () => {
    const { version } = JSON.parse(await readFile(fixture('..', '..', 'package.json'), 'utf8')) as { version: string }
    expect(await siglip(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each<[string, string[], RegExp]>([
    ['a mistyped command', ['clasify'], /^siglip: unknown command 'clasify'\. Did you mean classify\?\n$/],
    ['an unknown command', ['xyzzy'], /^siglip: unknown command 'xyzzy'\n$/],
    ['a command that steers the terminal', ['\u001b[31m'], /^siglip: unknown command ' \[31m'\n$/],
    ['a mistyped option', ['doctor', '--jsn'], /^siglip: unknown option '--jsn'\. Did you mean --json\?\n$/],
    ['too many arguments', ['inspect', 'a', 'b'], /^siglip: too many arguments.*\n$/],
    ['an option without its value', ['tokenize', 'a', '--max-length'], /^siglip: option .* argument missing\n$/],
  ])('exits with 2 after %s', async (_, args, message) => {
    const { code, stdout, stderr } = await siglip(args)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })

  it('shows the help when there is no command', async () => {
    const { code, stdout, stderr } = await siglip([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^Usage: siglip/)
  })

  it('shows where an error comes from only with --debug', async () => {
    const { code, stderr } = await siglip(['inspect', './nowhere', '--debug'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^siglip: Folder not found[^\n]*\nFileError: .*\n(.*\n)* +at /)
  })

  it('stops at Ctrl-C with 130 and leaves nothing half-written', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'siglip-cli-'))
    try {
      const { code, stderr } = await siglip(
        ['embed', '--image', image, '-', '--backend', 'wasm', '--out', path.join(folder, 'a.npy')],
        {
          // It waits for the image on stdin, which never comes.
          when: [/WebAssembly/, (process) => process.kill('SIGINT')],
        },
      )
      expect(stderr).toMatch(/^siglip-tfjs runs on WebAssembly.*\nsiglip: stopped\n$/)
      expect(code).toBe(130)
      expect(await readdir(folder)).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  const full = '/dev/full' // Linux has a disk that is
  const onLinux = existsSync(full) ? it : it.skip
  onLinux('says in a line that the results find no place', async () => {
    const file = await open(full, 'w')
    try {
      const { code, stderr } = await siglip(['tokenize', 'a cat', '--json'], { stdoutTo: file.fd })
      expect(stderr).toBe('siglip: The results can’t be written: found ENOSPC (stdout). Free space on the disk.\n')
      expect(code).toBe(1)
    } finally {
      await file.close()
    }
  })

  it('ends quietly when nobody reads on', async () => {
    const { code, stderr } = await siglip(
      ['embed', '--text', ...Array.from({ length: 200 }, String), '--json', '--quiet'],
      {
        when: [/embedding/, (process) => process.stdout?.destroy()],
      },
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
