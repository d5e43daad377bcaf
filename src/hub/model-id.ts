/**
 * Whether a text has the shape of a model's name on the hub: `name` or `owner/name`.
 * Source: `validate_repo_id` of huggingface_hub's `utils/_validators.py`.
 */
export function isModelId(text: string): boolean {
  const parts = text.split('/')
  return (
    parts.length <= 2 &&
    text.length <= 96 &&
    parts.every((part) => /^\w([\w.-]*\w)?$/.test(part)) &&
    !/--|\.\.|\.git$/.test(text)
  )
}
