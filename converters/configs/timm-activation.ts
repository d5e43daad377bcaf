/** transformers' names of activations, and timm's names of the same functions. Of several with one timm name the first is read back. */
export const timmActivations = [
  ['gelu', 'gelu'],
  ['gelu_python', 'gelu'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
  ['gelu_accurate', 'gelu_tanh'],
  ['gelu_fast', 'gelu_tanh'],
  ['gelu_new', 'gelu_tanh'],
  ['gelu_python_tanh', 'gelu_tanh'],
  ['hardswish', 'hard_swish'],
  ['leaky_relu', 'leaky_relu'],
  ['linear', 'identity'],
  ['mish', 'mish'],
  ['quick_gelu', 'quick_gelu'],
  ['relu', 'relu'],
  ['relu6', 'relu6'],
  ['sigmoid', 'sigmoid'],
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['tanh', 'tanh'],
] as const

/** What a configuration of transformers has for `hidden_act`, or transformers' default. */
export const orDefault = (hiddenAct: unknown): string =>
  typeof hiddenAct === 'string' ? hiddenAct : 'gelu_pytorch_tanh'

/** timm's name of an activation of transformers; undefined if it has none. */
export function timmActivation(hiddenAct: string): string | undefined {
  return timmActivations.find(([own]) => own === hiddenAct)?.[1]
}

/** transformers' name of an activation of timm; undefined if it has none. */
export function hiddenActOf(timmName: unknown): string | undefined {
  return timmActivations.find(([, other]) => other === timmName)?.[0]
}
