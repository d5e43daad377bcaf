import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import * as tf from '@tensorflow/tfjs'

import { useBackend } from '../../src/backend/backend-node.js'
import { isNativeBackend } from '../../src/jit/record/native-backend.js'

beforeAll(async () => {
  await useBackend('native', { quiet: true })
})

/** Shapes of operands, the transpositions of both, and the result. */
const products: readonly (readonly [number[], number[], boolean, boolean, number[]])[] = [
  [[5, 1, 128, 16], [16, 8], false, false, [5, 1, 128, 8]],
  [[5, 1, 128, 16], [8, 16], false, true, [5, 1, 128, 8]],
  [[5, 1, 16, 128], [16, 8], true, false, [5, 1, 128, 8]],
  [[5, 1, 16, 128], [8, 16], true, true, [5, 1, 128, 8]],
  [[16, 8], [5, 1, 8, 3], false, false, [5, 1, 16, 3]],
  [[5, 12, 16], [1, 16, 8], false, false, [5, 12, 8]],
  [[5, 1, 12, 16], [3, 16, 8], false, false, [5, 3, 12, 8]],
  [[1, 12, 16], [2, 3, 16, 8], false, false, [2, 3, 12, 8]],
  [[0, 12, 16], [16, 8], false, false, [0, 12, 8]],
  [[3, 12, 16], [3, 16, 8], false, false, [3, 12, 8]],
]

function plainly(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  const turned = (x: tf.Tensor, does: boolean): tf.Tensor => {
    const order = x.shape.map((_, i) => i)
    return does ? tf.transpose(x, [...order.slice(0, -2), order.length - 1, order.length - 2]) : x
  }
  const [x, y] = [turned(a, transposeA), turned(b, transposeB)]
  return tf.sum(tf.mul(tf.expandDims(x, -1), tf.expandDims(y, -3)), -2)
}

it.each(products)(
  '%j times %j (%s, %s): the numbers, of equal batches',
  (left, right, transposeA, transposeB, shape) => {
    const backend = tf.backend()
    if (!isNativeBackend(backend)) throw new Error('not the native backend')
    const { binding } = backend
    const given: (readonly [string, string])[] = []
    const batches = new Map<number, readonly number[]>()
    const batchOf = (id: number | undefined): string => String(batches.get(id ?? -1))
    const { getInputTensorIds } = backend
    backend.getInputTensorIds = (tensors) => {
      const ids = getInputTensorIds.call(backend, tensors)
      ids.forEach((id, i) => batches.set(id, tensors[i]?.shape.slice(0, -2) ?? []))
      return ids
    }
    backend.binding = Object.create(binding, {
      executeOp: {
        value: (...call: Parameters<typeof binding.executeOp>) => {
          const [op, , [a, b]] = call
          if (op === 'BatchMatMulV2') given.push([batchOf(a), batchOf(b)])
          return binding.executeOp(...call)
        },
      },
    }) as typeof binding
    try {
      tf.tidy(() => {
        const [a, b] = [tf.randomNormal(left), tf.randomNormal(right)]
        const product = tf.matMul(a, b, transposeA, transposeB)
        expect(product.shape).toEqual(shape)
        const far = tf.max(tf.abs(tf.sub(product, plainly(a, b, transposeA, transposeB))))
        if (product.size > 0) expect(far.dataSync()[0]).toBeLessThan(1e-4)
      })
    } finally {
      backend.binding = binding
      Reflect.deleteProperty(backend, 'getInputTensorIds')
    }
    expect(given).toHaveLength(1)
    for (const [one, other] of given) expect(one).toBe(other)
  },
)

it('in a process whose heap is checked, with oneDNN', () => {
  const entry = join(__dirname, '..', '..', 'dist', 'src', 'index.js')
  const program = `
import * as tf from '@tensorflow/tfjs'
import { useBackend } from ${JSON.stringify(entry)}
await useBackend('native', { quiet: true })
for (let i = 0; i < 200; i++) tf.tidy(() => {
  const [a, b] = [tf.ones([5, 1, 128, 16]), tf.fill([16, 8], i)]
  if (!tf.matMul(a, b).dataSync().every((x) => x === 16 * i)) throw new Error('wrong at ' + i)
})
console.log('right')`
  const env = { ...process.env, TF_ENABLE_ONEDNN_OPTS: '1', MALLOC_PERTURB_: '165', MALLOC_CHECK_: '3' }
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    ...{ env, cwd: join(__dirname, '..', '..'), encoding: 'utf8' },
  })
  expect([stdout.trim(), stderr]).toEqual(['right', expect.any(String)])
})
