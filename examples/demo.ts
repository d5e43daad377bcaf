/**
 * What `npm run demo` shows: the embedded model scores three pictures against four labels, beside what transformers computes
 * from the same files.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { pipeline } from 'siglip-tfjs'

const model = new URL('../../models/siglip-tiny/', import.meta.url)
const pictures = fileURLToPath(new URL('../../examples/pictures/', import.meta.url))

interface Reference {
  readonly source: string
  readonly template: string
  readonly labels: readonly string[]
  readonly logits: Readonly<Record<string, readonly number[]>>
}
const reference = JSON.parse(await readFile(new URL('reference-scores.json', model), 'utf8')) as Reference
const names = Object.keys(reference.logits)

const classify = await pipeline('zero-shot-image-classification', model)
const start = performance.now()
const scores = await classify(
  names.map((name) => pictures + name),
  reference.labels,
  { hypothesisTemplate: reference.template },
)
const milliseconds = performance.now() - start

let furthest = 0
const percent = (score: number): string => `${(100 * score).toFixed(2)} %`.padStart(12)
console.log(`\n  ${'picture'.padEnd(12)} ${'label'.padEnd(28)}  siglip-tfjs transformers`)
for (const [i, name] of names.entries()) {
  const ranking = scores[i] ?? []
  for (const [rank, { label, score, logit }] of ranking.entries()) {
    const theirs = reference.logits[name]?.[reference.labels.indexOf(label)] ?? NaN
    furthest = Math.max(furthest, Math.abs(logit - theirs))
    const bar = '█'.repeat(Math.round(20 * score)).padEnd(20, '·')
    const theirScore = 1 / (1 + Math.exp(-theirs))
    console.log(
      `  ${(rank === 0 ? name : '').padEnd(12)} ${label.padEnd(28)} ${percent(score)} ${percent(theirScore)}   ${bar}`,
    )
  }
}
console.log(`
  ${names.length} pictures × ${reference.labels.length} labels in ${milliseconds.toFixed(0)} ms. Furthest logit from transformers': ${furthest.toExponential(1)}
  (${reference.source}). The embedded model is a tiny one with random weights:
  its scores mean nothing, except that they are the reference's. For answers, give a trained checkpoint folder:
      npx siglip classify cats.jpg --labels "two cats, a dog" --model FOLDER
`)
classify.dispose()
