import { saveFolder } from '../io/save-folder.js'
import type { PreTrainedModel } from '../models/loading/pre-trained-model.js'
import { modelSignatures } from './model-signatures.js'
import { onnxFiles } from './onnx.js'
import { savedModelFiles } from './saved-model.js'

/**
 * Writes a model as TensorFlow's SavedModel, for Python's `tf.saved_model.load` and TF Serving. Its signatures are `image`
 * (`pixel_values` → `image_embeds`), `text` (`input_ids` → `text_embeds`) and `both` (→ `logits_per_image`, `logits_per_text` and
 * the embeddings), of a tower or a classifier the one that it has. Batches may be of any size, images and texts have the
 * configuration's. Needs the native backend, which records the model.
 *
 * @param folder replaced as a whole, or not at all; other files in it stay.
 * @returns the names of the files.
 * @throws {InputError} for a model that no fixed graph describes: NaFlex
 * @throws {BackendError} on another backend
 * @throws {FileError} if the folder can't be written
 */
export async function exportSavedModel(model: PreTrainedModel, folder: string): Promise<string[]> {
  const files = savedModelFiles(modelSignatures(model))
  await saveFolder(folder, files, {
    replaces: (name) => /^variables\/variables\.(index|data-\d+-of-\d+)$/.test(name), // of an earlier export
  })
  return [...files.keys()]
}

/**
 * Writes a model as ONNX (opset 17): `model.onnx` (`input_ids`, `pixel_values` → logits and embeddings), and of a model with two
 * towers also `vision_model.onnx` and `text_model.onnx`, with the weights in `model.onnx_data`, which all of them use. Batches may be
 * of any size. Needs the native backend, which records the model.
 *
 * @param folder replaced as a whole, or not at all; other files in it stay.
 * @returns the names of the files.
 * @throws {InputError} for a model that no fixed graph describes: NaFlex
 * @throws {ConfigError} for an operation that ONNX has not
 * @throws {BackendError} on another backend
 * @throws {FileError} if the folder can't be written
 */
export async function exportOnnx(model: PreTrainedModel, folder: string): Promise<string[]> {
  const files = onnxFiles(modelSignatures(model))
  await saveFolder(folder, files)
  return [...files.keys()]
}
