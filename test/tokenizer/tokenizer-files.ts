import { readFileSync } from 'node:fs'
import { MemoryFolder } from '../../src/hub/memory-folder.js'

/** A change to the contents of a JSON file: keys to set, undefined to leave out. */
export type Changes = Readonly<Record<string, unknown>>

/** A fixture's tokenizer with changes to its JSON files, and with JSON files besides. */
export function changedFolder(
  name: 'siglip-tiny' | 'tokenizer-siglip2',
  changes: Readonly<Record<string, Changes>>,
): MemoryFolder {
  const folder = `test/fixtures/${name}`
  const files = new Map<string, Uint8Array>()
  if (name === 'siglip-tiny') files.set('spiece.model', readFileSync('test/fixtures/tokenizer/spiece.model'))
  else files.set('tokenizer.json', readFileSync(`${folder}/tokenizer.json`))
  files.set('tokenizer_config.json', readFileSync(`${folder}/tokenizer_config.json`))
  for (const [file, change] of Object.entries(changes)) {
    const bytes = files.get(file)
    const json = bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as object) : {}
    files.set(file, new TextEncoder().encode(JSON.stringify({ ...json, ...change })))
  }
  return new MemoryFolder(files)
}

/** The added tokens of SigLIP 2's fixture as its `tokenizer.json` writes them. */
export function addedTokensOfFixture(): readonly Readonly<Record<string, unknown>>[] {
  const json = JSON.parse(readFileSync('test/fixtures/tokenizer-siglip2/tokenizer.json', 'utf8')) as {
    readonly added_tokens: readonly Readonly<Record<string, unknown>>[]
  }
  return json.added_tokens
}
