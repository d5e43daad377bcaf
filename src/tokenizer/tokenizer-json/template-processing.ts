import { isObject } from '../../io/is-object.js'
import { asArray, asId, asObject, mismatch } from './json-value.js'
import type { Framed } from '../tokenizer-backend.js'

/** A step of a template: one of the two texts, or special tokens. */
type Step =
  | { readonly kind: 'text'; readonly isSecond: boolean; readonly typeId: number }
  | { readonly kind: 'special'; readonly ids: readonly number[]; readonly typeId: number }

/** How texts and pairs are framed by special tokens. */
export interface Template {
  readonly single: readonly Step[]
  readonly pair: readonly Step[]
}

/** Nothing but the texts, one after the other. */
const PLAIN: Template = {
  single: [{ kind: 'text', isSecond: false, typeId: 0 }],
  pair: [
    { kind: 'text', isSecond: false, typeId: 0 },
    { kind: 'text', isSecond: true, typeId: 1 },
  ],
}

/**
 * Reads the `post_processor` of a `tokenizer.json`: a template, or a sequence that holds one.
 *
 * @throws TokenizerError naming it if its kind is not supported.
 */
export function parseTemplate(value: unknown, where = 'post_processor of tokenizer.json'): Template {
  if (value === undefined || value === null) return PLAIN
  const json = asObject(value, where)
  if (json.type === 'Sequence') {
    const [only, ...others] = asArray(json.processors, where)
    if (others.length > 0) throw mismatch('one processor', json.processors, where)
    return parseTemplate(only, where)
  }
  if (json.type !== 'TemplateProcessing') throw mismatch('a known post-processor', json.type, where)
  const specialTokens = asObject(json.special_tokens, `special_tokens of ${where}`)
  const steps = (key: 'single' | 'pair'): Step[] =>
    asArray(json[key], `${key} of ${where}`).map((step) => parseStep(step, specialTokens, `${key} of ${where}`))
  return { single: steps('single'), pair: steps('pair') }
}

/** Frames one text's ids or a pair's. */
export function applyTemplate(template: Template, ids: readonly number[], pair?: readonly number[]): Framed {
  const framed = { ids: [] as number[], specialTokensMask: [] as number[], typeIds: [] as number[] }
  for (const step of pair ? template.pair : template.single) {
    const added = step.kind === 'special' ? step.ids : step.isSecond ? (pair ?? []) : ids
    for (const id of added) {
      framed.ids.push(id)
      framed.specialTokensMask.push(step.kind === 'special' ? 1 : 0)
      framed.typeIds.push(step.typeId)
    }
  }
  return framed
}

function parseStep(value: unknown, specialTokens: Readonly<Record<string, unknown>>, where: string): Step {
  const json = asObject(value, where)
  if (isObject(json.Sequence)) {
    const { id, type_id: typeId } = json.Sequence
    if (id !== 'A' && id !== 'B') throw mismatch('sequence A or B', id, where)
    return { kind: 'text', isSecond: id === 'B', typeId: asId(typeId, where) }
  }
  if (!isObject(json.SpecialToken)) throw mismatch('a Sequence or a SpecialToken', value, where)
  const { id, type_id: typeId } = json.SpecialToken
  const token = asObject(specialTokens[String(id)], `${String(id)} of ${where}`)
  return {
    kind: 'special',
    ids: asArray(token.ids, where).map((tokenId) => asId(tokenId, where)),
    typeId: asId(typeId, where),
  }
}
