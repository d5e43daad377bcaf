import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

import { BackendError } from '../errors.js'
import { TFJS_NODE_VERSION } from '../backend/native-folder.js'
import { fileHash } from '../io/file-hash.js'
import { runTool } from './run-tool.js'
import { unpackTarball } from './tarball.js'

/** The package and the hash that the npm registry publishes for it. */
export const TFJS_NODE = {
  spec: `@tensorflow/tfjs-node@${TFJS_NODE_VERSION}`,
  sha512: 'uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
} as const

/**
 * Downloads tfjs-node's package with the user's own npm, so from the registry that it is set up for, and unpacks it into a folder.
 * Its install script, which downloads from elsewhere, is not run.
 *
 * @throws BackendError if npm fails or what arrives has another hash.
 */
export async function fetchTfjsNode(folder: string, signal?: AbortSignal): Promise<void> {
  await withTfjsNode((tarball) => unpackTarball(tarball, folder, keptFile), signal)
}

/**
 * Downloads tfjs-node's package for as long as `use` takes.
 *
 * @throws BackendError if npm fails or what arrives has another hash: nothing of such a package is used.
 */
export async function withTfjsNode<T>(use: (tarball: string) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const staging = await npmFolder()
  try {
    await runNpm(['pack', TFJS_NODE.spec, '--ignore-scripts', '--pack-destination', staging], staging, signal)
    const tarball = (await readdir(staging)).find((name) => name.endsWith('.tgz'))
    if (tarball === undefined) throw new BackendError('npm packed nothing', { where: TFJS_NODE.spec })
    const path = join(staging, tarball)
    const found = await fileHash(path, 'sha512', 'base64', signal)
    if (found !== TFJS_NODE.sha512) {
      throw new BackendError('The package that arrived has another hash', {
        expected: `sha512 ${TFJS_NODE.sha512}`,
        found,
        where: TFJS_NODE.spec,
        hint: 'It is not used. Look at the registry that npm is set up for.',
      })
    }
    return await use(path)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** A new folder for npm to run in: the `package.json` keeps it from reading an `.npmrc` of any folder above. */
async function npmFolder(): Promise<string> {
  const folder = await mkdtemp(join(resolve(tmpdir()), 'siglip-tfjs-'))
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  return folder
}

/** Its JavaScript without its tests, and the sources of its binding. */
function keptFile(member: string): string | undefined {
  return /^package\/(package\.json|dist\/.+(?<!_test)\.js|binding\/.+)$/.exec(member)?.[1]
}

/**
 * Runs npm in a folder, which has to have a `package.json`. On Windows npm is a batch file, which only a shell could start, so its
 * script is started by this Node.
 */
export function runNpm(args: readonly string[], cwd: string, signal?: AbortSignal): Promise<string> {
  const env = { ...process.env }
  delete env['npm_config_local_prefix'] // `npx` sets it to the project that it was called in
  const options = { signal, cwd, env }
  if (process.platform !== 'win32') return runTool('npm', args, options)
  const script = join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js')
  return runTool(process.execPath, [script, ...args], options)
}
