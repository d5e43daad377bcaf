import { InputError } from '../errors.js'

/**
 * Whether a text has the shape of a model's name on the hub: `name` or `owner/name`. What ends as files of weights do is none: a
 * mistyped path should not be looked for on the net.
 * Source: `validate_repo_id` of huggingface_hub's `utils/_validators.py`.
 */
export function isModelId(text: string): boolean {
  const parts = text.split('/')
  return (
    parts.length <= 2 &&
    text.length <= 96 &&
    parts.every((part) => /^\w([\w.-]*\w)?$/.test(part)) &&
    !/--|\.\.|\.(git|safetensors|bin|npz|pt|pth|ckpt|onnx|json)$/.test(text)
  )
}

/** A model of the hub at a revision. */
export interface ModelAt {
  readonly model: string
  readonly revision: string
}

/** What `owner/name@revision` names; undefined for a text of another shape. A revision is a branch, a tag or a commit. */
export function modelAt(text: string): ModelAt | undefined {
  const at = text.indexOf('@')
  const [model, revision] = [text.slice(0, at), text.slice(at + 1)]
  return at > 0 && isModelId(model) && /^\w[\w./-]*$/.test(revision) && !revision.includes('..')
    ? { model, revision }
    : undefined
}

/** The revision in a model's name, or else the option's. @throws InputError if they are two */
export function revisionOf(named: ModelAt | undefined, option: string | undefined): string {
  if (named === undefined || option === undefined || named.revision === option)
    return named?.revision ?? option ?? 'main'
  throw new InputError('Two revisions of one model are asked for', {
    expected: 'one',
    found: `${named.revision} in the name, ${option} as revision`,
    where: named.model,
  })
}
