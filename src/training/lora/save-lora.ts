import { saveFolder } from '#save-folder'
import { checkFinite } from '../../../converters/formats/finite-values.js'
import { jsonFile } from '../../../converters/configs/json-file.js'
import { serializeSafetensors, type Tensor } from '../../../converters/formats/serialize-safetensors.js'
import type { FileContent } from '../../io/save-folder.js'
import { InputError } from '../../errors.js'
import { modelAt } from '../../hub/model-id.js'
import type { Lora } from './lora.js'

/** Metadata saved with the adapters. */
export interface SaveLoraOptions {
  /**
   * The model that they belong on: its name on the hub, with `@revision` if it has one, or a path from where it is loaded, or from the adapters' folder. Named in their
   * configuration, so that the folder loads as a model. Default: none is named.
   */
  readonly baseModel?: string | undefined
}

/**
 * Writes `adapter_config.json` and `adapter_model.safetensors` into a folder, as peft's `save_pretrained`:
 * `PeftModel.from_pretrained(model, folder)` loads it.
 * @throws {FileError} if it can't be written; WeightsError for an adapter that is not finite
 */
export async function saveLora(lora: Lora, folder: string, { baseModel }: SaveLoraOptions = {}): Promise<void> {
  const named = baseModel === undefined ? undefined : modelAt(baseModel)
  const adapters = [...lora.adapters].map(([name, { a, alpha }]) => ({ name, r: a.shape[0], alpha }))
  const [first] = adapters
  if (!first) throw new InputError('The model has no adapters to save')
  // Where adapters differ, peft wants the others by name.
  const others = (of: 'r' | 'alpha'): Record<string, number> =>
    Object.fromEntries(adapters.filter((each) => each[of] !== first[of]).map((each) => [each.name, each[of]]))
  const config = {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: named?.model ?? baseModel ?? null,
    ...(named && { revision: named.revision }),
    r: first.r,
    lora_alpha: first.alpha,
    rank_pattern: others('r'),
    alpha_pattern: others('alpha'),
    target_modules: adapters.map(({ name }) => name).sort(),
    modules_to_save: lora.whole.names.length > 0 ? lora.whole.names : null,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    inference_mode: true,
  }
  const tensors = new Map<string, Tensor>()
  for (const [name, variable] of lora.namedParameters()) {
    const data = Float32Array.from(await variable.data<'float32'>())
    checkFinite(data, name, 'the adapters')
    tensors.set(`base_model.model.${name}`, { dtype: 'F32', shape: variable.shape, data })
  }
  const weights = serializeSafetensors(tensors, { format: 'pt' })
  const files = new Map<string, FileContent>([
    ['adapter_config.json', jsonFile(config)],
    ['adapter_model.safetensors', () => weights],
  ])
  await saveFolder(folder, files)
}
