import type * as tf from '@tensorflow/tfjs'

/** A kernel's attributes as text, equal for equal ones. JSON, but for numbers that JSON does not have. */
export function attributesText(attrs: tf.NamedAttrMap): string {
  return JSON.stringify(attrs, (_name, value: unknown) => {
    if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value
    return { [NUMBER]: Object.is(value, -0) ? '-0' : String(value) }
  })
}

/** The attributes that a text stands for. */
export function attributesOf(text: string): tf.NamedAttrMap {
  const attributes: unknown = JSON.parse(text, (_name, value: unknown) =>
    typeof value === 'object' && value !== null && NUMBER in value ? Number(value[NUMBER]) : value,
  )
  return attributes as tf.NamedAttrMap
}

const NUMBER = '$number'

/** Equal for calls of a kernel that one program serves. */
export function callKey(kernelName: string, inputs: tf.NamedTensorInfoMap, attrs: tf.NamedAttrMap): string {
  let key = kernelName
  for (const name in inputs) {
    const info = inputs[name]
    if (info) key += ` ${name}:${info.dtype}[${info.shape.join()}]`
  }
  for (const name in attrs) key += ` ${name}=${valueKey(attrs[name])}`
  return key
}

function valueKey(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (Array.isArray(value)) return `[${value.map(valueKey).join()}]`
  return typeof value === 'boolean' ? String(value) : JSON.stringify({ value })
}
