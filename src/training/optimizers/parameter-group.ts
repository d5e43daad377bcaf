/** Options of the parameters that a pattern matches, e.g. `{ pattern: /^logit_/, learningRate: 5, weightDecay: 0 }`. */
export interface ParameterGroup {
  /** Matches transformers' parameter names. */
  readonly pattern: RegExp
  /** Factor on the optimizer's learning rate. Default: 1. */
  readonly learningRate?: number | undefined
  /** Replaces the optimizer's. */
  readonly weightDecay?: number | undefined
  /** Not trained, without a gradient. Default: false. */
  readonly frozen?: boolean | undefined
}

/** The options of one parameter, from all groups. */
export interface GroupSettings {
  readonly learningRate: number
  readonly weightDecay: number
  readonly frozen: boolean
}

/** No decay on biases, layer norms, and the logits' scale and bias: everything that is not a matrix. */
export const noDecay: ParameterGroup = { pattern: /bias$|norm\d?\.weight$|^logit_/, weightDecay: 0 }

/** Locked-image tuning: only the text tower learns (Zhai et al. 2022, "LiT: Zero-Shot Transfer with Locked-image text Tuning"). */
export const lockedImage: ParameterGroup = { pattern: /^vision_model\./, frozen: true }

/** Only a classifier's last layer learns. */
export const headOnly: ParameterGroup = { pattern: /^(?!classifier\.)/, frozen: true }

/** Each setting comes from the first group that matches the name and has it. */
export function groupSettings(
  name: string,
  groups: readonly ParameterGroup[],
  defaults: { readonly weightDecay: number },
): GroupSettings {
  const matching = groups.filter(({ pattern }) => name.search(pattern) >= 0) // `test` would step through a /g pattern
  const first = <K extends keyof GroupSettings>(key: K): ParameterGroup[K] =>
    matching.find((group) => group[key] !== undefined)?.[key]
  return {
    learningRate: first('learningRate') ?? 1,
    weightDecay: first('weightDecay') ?? defaults.weightDecay,
    frozen: first('frozen') ?? false,
  }
}
