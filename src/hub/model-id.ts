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
    !/--|\.\.|\.(git|safetensors|bin|npz|pt|pth|onnx|json)$/.test(text)
  )
}
