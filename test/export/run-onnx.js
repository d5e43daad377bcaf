// Runs an ONNX file, with its weights beside it, on inputs given as JSON: node run-onnx.js FOLDER FILE < inputs > outputs
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { json } from 'node:stream/consumers'
import * as ort from 'onnxruntime-web'

const [folder, file] = process.argv.slice(2)
const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(join(folder, file))), {
  externalData: [{ path: 'model.onnx_data', data: new Uint8Array(readFileSync(join(folder, 'model.onnx_data'))) }],
  logSeverityLevel: 3,
})
const inputs = await json(process.stdin)
const feeds = inputs.map(({ name, shape, values }) => [
  name,
  name === 'input_ids'
    ? new ort.Tensor('int64', BigInt64Array.from(values.map(BigInt)), shape)
    : new ort.Tensor('float32', Float32Array.from(values), shape),
])
const results = await session.run(Object.fromEntries(feeds))
const outputs = Object.entries(results).map(([name, { dims, data }]) => ({
  name,
  shape: dims,
  values: Array.from(data),
}))
process.stdout.write(JSON.stringify(outputs))
