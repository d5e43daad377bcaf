import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { messageOf } from '../io/system-error.js'
import { BackendError } from '../errors.js'
import { TENSORFLOW_VERSION } from '../backend/native-folder.js'
import { fileHash } from '../io/file-hash.js'
import { interrupted, runTool } from './run-tool.js'
import { largest } from '../largest.js'

/** The wheel on PyPI that holds TensorFlow's C library for a platform. */
export interface TensorFlowWheel {
  /** PyPI's name of the package. */
  readonly project: string
  readonly file: string
  /** The platform tag that pip is asked for. */
  readonly platform: string
  readonly size: number
  readonly sha256: string
  /** The two libraries inside `tensorflow/`, the one that needs the other first. */
  readonly libraries: readonly [library: string, framework: string]
}

const LINUX_LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const

/**
 * Any wheel of a release holds the same library; these are Python 3.11's, whichever Python downloads them. The wheels for
 * Windows bind the library to a Python, and there are none for Intel Macs and for musl. Tried: linux-x64 only; of the
 * others the hashes, names and sizes were compared.
 */
const WHEELS: Readonly<Record<string, TensorFlowWheel>> = {
  'linux-x64': {
    project: 'tensorflow-cpu',
    file: `tensorflow_cpu-${TENSORFLOW_VERSION}-cp311-cp311-manylinux_2_27_x86_64.whl`,
    platform: 'manylinux_2_27_x86_64',
    size: 273_829_956,
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    libraries: LINUX_LIBRARIES,
  },
  'linux-arm64': {
    project: 'tensorflow',
    file: `tensorflow-${TENSORFLOW_VERSION}-cp311-cp311-manylinux_2_27_aarch64.whl`,
    platform: 'manylinux_2_27_aarch64',
    size: 281_828_020,
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    libraries: LINUX_LIBRARIES,
  },
  'darwin-arm64': {
    project: 'tensorflow',
    file: `tensorflow-${TENSORFLOW_VERSION}-cp311-cp311-macosx_12_0_arm64.whl`,
    platform: 'macosx_12_0_arm64',
    size: 223_405_849,
    sha256: '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
    libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
  },
}

/**
 * The wheel for a platform such as `linux-x64`.
 *
 * @throws BackendError if there is none.
 */
export function tensorflowWheel(platform: string = platformName()): TensorFlowWheel {
  const wheel = WHEELS[platform]
  if (wheel) return wheel
  throw new BackendError('TensorFlow’s C library is not on PyPI for this platform', {
    expected: Object.keys(WHEELS).join(', '),
    found: platform,
  })
}

/** This process' platform: `linux-musl-x64` where the C library is not glibc. */
export function platformName(): string {
  const musl =
    process.platform === 'linux' && !JSON.stringify(process.report.getReport()).includes('"glibcVersionRuntime"')
  return `${process.platform}${musl ? '-musl' : ''}-${process.arch}`
}

/** How a wheel is fetched. */
export interface FetchOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the number of bytes that have arrived. */
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined
}

/**
 * Downloads the wheel with the user's own pip, so from the index and with the certificates and credentials that it is set up for,
 * and keeps it in `folder`. A wheel that is already there is not downloaded again; a truncated one is downloaded once more.
 *
 * @returns its path.
 * @throws BackendError if no pip works, or the download is truncated or has another hash.
 */
export async function fetchWheel(wheel: TensorFlowWheel, folder: string, options: FetchOptions = {}): Promise<string> {
  const { signal } = options
  const path = join(folder, wheel.file)
  await mkdir(folder, { recursive: true })
  if (existsSync(path)) {
    if ((await fileHash(path, 'sha256', 'hex', signal)) === wheel.sha256) return path
    await rm(path)
  }
  for (let cuts = 0; ; cuts++) {
    const found = await download(wheel, folder, options)
    if (found === 'whole') return path
    if (cuts === MAX_CUTS)
      throw new BackendError('The downloaded wheel is truncated', { ...found, where: wheel.file, hint: REFUSED })
  }
}

const REFUSED = 'It is not used. Look at the package index that pip is set up for.'
/** How often a truncated download is restarted. */
const MAX_CUTS = 1

/** Returns what was expected and found of a truncated wheel, and removes it. */
async function download(
  wheel: TensorFlowWheel,
  folder: string,
  { signal, onProgress }: FetchOptions,
): Promise<'whole' | { readonly expected: string; readonly found: string }> {
  const staging = await mkdtemp(join(folder, '.pip-'))
  const watch = setInterval(() => onProgress?.(largestFile(staging), wheel.size), 500)
  try {
    await pipDownload(wheel, staging, signal)
    const arrived = join(staging, wheel.file)
    if (!existsSync(arrived)) {
      throw new BackendError('pip downloaded another file', {
        expected: wheel.file,
        found: readdirSync(staging).join(),
      })
    }
    const { size } = statSync(arrived)
    if (size < wheel.size) return { expected: `${wheel.size} bytes`, found: String(size) }
    const found = await fileHash(arrived, 'sha256', 'hex', signal)
    if (found !== wheel.sha256) {
      throw new BackendError('The wheel that arrived has another hash', {
        expected: `sha256 ${wheel.sha256}`,
        found,
        where: wheel.file,
        hint: REFUSED,
      })
    }
    await rename(arrived, join(folder, wheel.file))
    return 'whole'
  } finally {
    clearInterval(watch)
    await rm(staging, { recursive: true, force: true })
  }
}

/** `-I`: Python takes no modules from the folder it runs in, from `PYTHONPATH` or of the user's own. */
const PIPS: readonly (readonly [string, ...string[]])[] = [
  ['python3', '-I', '-m', 'pip'],
  ['python', '-I', '-m', 'pip'],
  ['pip3'],
  ['pip'],
]

async function pipDownload(wheel: TensorFlowWheel, folder: string, signal: AbortSignal | undefined): Promise<void> {
  const python = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311']
  const chosen = ['--no-deps', '--only-binary', ':all:', '--platform', wheel.platform, ...python]
  const failures: string[] = []
  for (const [command, ...args] of PIPS) {
    try {
      await runTool(command, [...args, '--version'], { signal, cwd: folder })
    } catch (error) {
      if (signal?.aborted) throw interrupted()
      failures.push(messageOf(error))
      continue
    }
    // pip writes into its temporary folder first: there its progress can be watched.
    const env = { ...process.env, TMPDIR: folder, PIP_DISABLE_PIP_VERSION_CHECK: '1' }
    const download = [...args, 'download', '--quiet', ...chosen, '--dest', folder]
    await runTool(command, [...download, `${wheel.project}==${TENSORFLOW_VERSION}`], { signal, env, cwd: folder })
    return
  }
  throw new BackendError('A working pip was not found', {
    found: failures.join('; '),
    hint: 'Install Python 3 with pip: the C library is downloaded with it.',
  })
}

function largestFile(folder: string): number {
  const sizes = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
    entry.isFile() ? (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0) : 0,
  )
  return largest(sizes, 0)
}
