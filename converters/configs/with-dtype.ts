import { isObject } from '../../src/io/is-object.js'
import type { JsonObject } from '../../src/io/json.js'

/**
 * A configuration that says this type of its weights wherever it says one: as `dtype`, which transformers 5 also has in the towers'
 * parts, and not as `torch_dtype`, its name in version 4.
 */
export function withDtype(config: JsonObject, dtype: string): JsonObject {
  const entries = Object.entries(config).filter(([key]) => key !== 'torch_dtype')
  const parts = entries.map(([key, value]): [string, unknown] => {
    const saysOne =
      /^(text|vision)_config$/.test(key) && isObject(value) && ('dtype' in value || 'torch_dtype' in value)
    return [key, saysOne ? withDtype(value, dtype) : value]
  })
  return { ...Object.fromEntries(parts), dtype }
}
