import fc from 'fast-check'
import { Siglip2Tokenizer } from '../../../src/tokenizer/siglip2-tokenizer.js'

const letters = ['a', 'b', '▁', '𝒳']
const special = ['<pad>', '<eos>', '<bos>', '<unk>']

/** Merges of what there is by then, so that some join a space to what is before it, some to what is behind, some neither. */
const merges = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 12 }).map((picks) => {
  const tokens = [...letters]
  return picks.flatMap(([i, j]): [string, string][] => {
    const [left, right] = [tokens[i % tokens.length]!, tokens[j % tokens.length]!]
    if (tokens.includes(left + right)) return []
    tokens.push(left + right)
    return [[left, right]]
  })
})

/** The pair learnt first is merged, the leftmost of equal ones, until none is left. */
function mergedPlainly(text: string, known: readonly [string, string][]): string[] {
  const symbols = Array.from(text)
  for (;;) {
    const ranks = symbols.slice(1).map((right, i) => known.findIndex(([a, b]) => a === symbols[i] && b === right))
    const found = ranks.filter((rank) => rank >= 0)
    if (found.length === 0) return symbols
    const at = ranks.indexOf(Math.min(...found))
    symbols.splice(at, 2, symbols[at]! + symbols[at + 1]!)
  }
}

it('merges texts word by word as it would as a whole, and the second time as the first', () => {
  const text = fc.array(fc.constantFrom(...letters.map((letter) => (letter === '▁' ? ' ' : letter))), { maxLength: 20 })
  fc.assert(
    fc.property(merges, fc.array(text, { minLength: 1, maxLength: 4 }), (known, texts) => {
      const tokens = [...special, ...letters, ...known.map((pair) => pair.join(''))]
      const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
      const normalizer = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
      const json = { added_tokens: [], normalizer, model: { type: 'BPE', vocab, merges: known, unk_token: '<unk>' } }
      const tokenizer = Siglip2Tokenizer.fromTokenizerJson(new TextEncoder().encode(JSON.stringify(json)))
      for (const letters of [...texts, ...texts]) {
        const line = letters.join('')
        const ids = mergedPlainly(line.replaceAll(' ', '▁'), known).map((token) => vocab[token])
        expect(tokenizer.encode(line, { addSpecialTokens: false })).toEqual(ids)
      }
    }),
    { numRuns: 300 },
  )
})
