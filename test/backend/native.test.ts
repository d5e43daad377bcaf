import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { findNativeFolder } from '../../src/backend/native-folder.js'
import { installPackage } from '../installed-package.js'

const root = path.join(__dirname, '..', '..')
const backendNode = path.join(root, 'dist', 'src', 'backend', 'backend-node.js')

let project = ''
beforeEach(async () => {
  project = await mkdtemp(path.join(tmpdir(), 'siglip-native-'))
  await mkdir(path.join(project, 'node_modules', '@tensorflow'), { recursive: true })
  await symlink(
    path.join(root, 'node_modules', '@tensorflow', 'tfjs'),
    path.join(project, 'node_modules', '@tensorflow', 'tfjs'),
  )
})
afterEach(() => rm(project, { recursive: true }))

/** Runs a program in a process of its own, as jest's modules are not Node's. It needs what `npm run build` writes. */
async function program(
  code: string,
  env: NodeJS.ProcessEnv = {},
  backend = backendNode,
): Promise<{ stdout: string; stderr: string }> {
  const file = path.join(project, 'program.mjs')
  const imports = `import * as tf from '@tensorflow/tfjs'\nimport { useBackend } from ${JSON.stringify(backend)}\n`
  await writeFile(file, imports + code)
  const result = spawnSync(process.execPath, [file], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, SIGLIP_QUIET: '', TF_CPP_MIN_LOG_LEVEL: undefined, ...env },
  })
  expect({ status: result.status, stderr: result.status === 0 ? '' : result.stderr }).toEqual({ status: 0, stderr: '' })
  return result
}

/** A tfjs-node that computes with plain JavaScript. */
async function installTfjsNode(main: string): Promise<void> {
  const folder = path.join(project, 'node_modules', '@tensorflow', 'tfjs-node')
  await mkdir(folder)
  await writeFile(
    path.join(folder, 'package.json'),
    '{"name":"@tensorflow/tfjs-node","version":"4.22.0","main":"main.js"}',
  )
  await writeFile(path.join(folder, 'main.js'), main)
}
const working = `
  const tf = require('@tensorflow/tfjs')
  tf.registerBackend('tensorflow', () => Object.assign(tf.findBackend('cpu'), { binding: { TF_Version: '2.9.1' } }), 3)
  tf.setBackend('tensorflow')`
const report = 'const { name, version, reason } = await useBackend(); console.log(name, version, reason)'
const emptyCache = () => ({ SIGLIP_CACHE: path.join(project, 'cache') })

/** Installs this package in the project. Returns its file that chooses the backend. */
async function installed(): Promise<string> {
  const at = await installPackage(project)
  return path.join(at, 'dist', 'src', 'backend', 'backend-node.js')
}

it('takes the tfjs-node that the project has installed before any other', async () => {
  await installTfjsNode(working)
  const { stdout } = await program(report, {}, await installed())
  expect(stdout).toBe('native 2.9.1 the project has tfjs-node installed\n')
})

it('takes none from the folder it is run in, nor from NODE_PATH', async () => {
  await installTfjsNode(working)
  for (const NODE_PATH of ['', 'node_modules', path.join(project, 'node_modules')])
    expect((await program(report, { ...emptyCache(), NODE_PATH })).stdout).toMatch(/^wasm /)
})

it('takes the one that the program has imported itself', async () => {
  await installTfjsNode(working)
  const { stdout } = await program(`await import('@tensorflow/tfjs-node'); ${report}`, emptyCache())
  expect(stdout).toBe('native 2.9.1 the program has set the backend tensorflow itself\n')
})

it.each([
  ['that does not load', 'throw new Error("The Node.js native addon module can not be found")'],
  ['that registers nothing', ''],
])('passes over a tfjs-node %s', async (_, main) => {
  await installTfjsNode(main)
  const { stdout } = await program(report, emptyCache(), await installed())
  expect(stdout).toMatch(/^wasm .*no native backend, it is not built yet\n$/)
})

it('passes over a tfjs-node on another instance of tfjs', async () => {
  await installTfjsNode(working)
  const other = path.join(project, 'node_modules', '@tensorflow', 'tfjs-node', 'node_modules', '@tensorflow', 'tfjs')
  await mkdir(other, { recursive: true })
  await writeFile(path.join(other, 'index.js'), '')
  expect((await program(report, emptyCache(), await installed())).stdout).toMatch(/^wasm /)
})

const built = 'marker' in findNativeFolder()
const whenBuilt = built ? it : it.skip

whenBuilt('prints its one line, and nothing of TensorFlow’s', async () => {
  const { stdout, stderr } = await program(
    'await useBackend(); tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).print()',
  )
  expect(stdout).toContain('64')
  expect(stderr).toMatch(/^siglip-tfjs runs on TensorFlow \(native\) [\d.]+: .*\n$/)
  expect((await program('await useBackend()', { SIGLIP_QUIET: '1' })).stderr).toBe('')
})

whenBuilt('obeys SIGLIP_BACKEND', async () => {
  expect((await program(report, { SIGLIP_BACKEND: 'wasm' })).stdout).toMatch(/^wasm /)
  expect((await program(report, { SIGLIP_BACKEND: 'native' })).stdout).toMatch(/^native /)
})

whenBuilt('saves and loads files of tfjs layers', async () => {
  const { stdout } = await program(`
    await useBackend()
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] })
    await model.save('file://${project}/model')
    const again = await tf.loadLayersModel('file://${project}/model/model.json')
    const [a, b] = [model, again].map((m) => m.predict(tf.ones([1, 3])).dataSync().join())
    console.log(a === b)`)
  expect(stdout).toBe('true\n')
})

whenBuilt('computes in three worker threads at once', async () => {
  const { stdout } = await program(`
    import { isMainThread, Worker } from 'node:worker_threads'
    await useBackend('native')
    if (isMainThread) {
      const codes = [1, 2, 3].map(() => new Promise((resolve) => {
        new Worker(new URL(import.meta.url)).on('exit', resolve).on('error', resolve)
      }))
      console.log(await Promise.all(codes))
    } else {
      const x = tf.ones([8, 8])
      for (let i = 0; i < 100; i++) tf.tidy(() => tf.grad((x) => tf.sum(tf.softmax(tf.matMul(x, x))))(x).dataSync())
    }`)
  expect(stdout).toBe('[ 0, 0, 0 ]\n')
})
