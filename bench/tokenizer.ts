/**
 * Tokenizers beside nothing but the clock: how long they take to load, and how many captions a second they encode.
 *
 *     node dist/bench/tokenizer.js [folder with spiece.model or tokenizer.json]
 *
 * Without a folder, the vocabulary is synthetic and of Gemma's size: 256,000 tokens, 580,000 merges, 33 MB.
 */
import { cpus } from 'node:os'
import { AutoTokenizer } from '../src/tokenizer/auto-tokenizer.js'
import type { PreTrainedTokenizer } from '../src/tokenizer/pretrained-tokenizer.js'
import { Siglip2Tokenizer } from '../src/tokenizer/siglip2-tokenizer.js'

const CAPTIONS = ['a photo of a cat', 'two dogs on the table', 'This is a photo of a steaming bowl, 5 Euros', 'зебра']
const TOKENS = 256_000
const MERGES = 580_000
const LETTERS = Array.from('etaoinshrdlucm\u2581w')

/** A `tokenizer.json` whose tokens are all strings of four letters and random longer ones, split in every way. */
function syntheticJson(): Uint8Array {
  const tokens = ['<pad>', '<eos>', '<bos>', '<unk>', '<mask>']
  for (let byte = 0; byte < 256; byte++) tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
  let layer = ['']
  for (let length = 1; length <= 4; length++) {
    layer = layer.flatMap((prefix) => LETTERS.map((letter) => prefix + letter))
    for (const token of layer) tokens.push(token)
  }
  const known = new Set(tokens)
  for (let state = 1; known.size < TOKENS;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    known.add(
      (layer[state % layer.length] ?? '') + (layer[(state >>> 8) % layer.length] ?? '').slice(0, 1 + (state % 4)),
    )
  }
  const all = [...known]
  const merges: [string, string][] = []
  for (const token of all.slice(261).sort((a, b) => a.length - b.length))
    for (let at = 1; at < token.length && merges.length < MERGES; at++)
      if (known.has(token.slice(0, at)) && known.has(token.slice(at)))
        merges.push([token.slice(0, at), token.slice(at)])
  const vocab = Object.fromEntries(all.map((token, id) => [token, id]))
  return new TextEncoder().encode(
    JSON.stringify({ added_tokens: [], model: { type: 'BPE', vocab, merges } }, undefined, 2),
  )
}

async function main(folder: string | undefined): Promise<void> {
  const json = folder === undefined ? syntheticJson() : new Uint8Array(0)
  const start = performance.now()
  const tokenizer: PreTrainedTokenizer =
    folder === undefined ? Siglip2Tokenizer.fromTokenizerJson(json) : await AutoTokenizer.fromPretrained(folder)
  const loaded = performance.now() - start
  const texts = Array.from({ length: 10_000 }, (_, i) => `${CAPTIONS[i % CAPTIONS.length] ?? ''} ${i}`)
  let best = Infinity
  for (let round = 0; round < 5; round++) {
    const before = performance.now()
    for (const text of texts) tokenizer.encode(text)
    best = Math.min(best, performance.now() - before)
  }
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`)
  console.log(`load ${loaded.toFixed(0)} ms${json.length > 0 ? ` (${(json.length / 1e6).toFixed(0)} MB)` : ''}`)
  console.log(`encode ${((1000 * best) / texts.length).toFixed(1)} µs a caption, best of 5 × ${texts.length}`)
}

await main(process.argv[2])
