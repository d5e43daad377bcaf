import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { checkSetting } from '../check-setting.js'
import { loadState } from './load-state.js'
import { groupSettings, type GroupSettings, type ParameterGroup } from './parameter-group.js'

/** What all optimizers of this package take. */
export interface OptimizerOptions {
  /** Of parameters whose group has no factor, while the schedule says 1. */
  readonly learningRate?: number | undefined
  /** How fast weights shrink. */
  readonly weightDecay?: number | undefined
  /**
   * What is to be optimized, as `model.namedParameters()` has it; under these names groups are matched and the state is saved.
   * Default: every variable that comes with a gradient, under its own name.
   */
  readonly parameters?: ReadonlyMap<string, tf.Variable> | undefined
  /** What holds for some parameters only. Each setting comes from the first group that matches and has it. */
  readonly groups?: readonly ParameterGroup[] | undefined
}

/** One parameter in one step. */
export interface Turn<Slot extends string> {
  readonly variable: tf.Variable
  readonly gradient: tf.Tensor
  /** What is kept of it from step to step. */
  readonly kept: (slot: Slot) => tf.Variable
  /** The learning rate of this parameter in this step: of its {@link UpdateRule.stepSize}, if the rule has one. */
  readonly rate: tf.Scalar
  readonly weightDecay: number
  /** The parameter after decay decoupled from the gradient (Loshchilov and Hutter 2019): (1 − rate · weightDecay) of it. */
  readonly decayed: () => tf.Tensor
}

/** An optimizer's mathematics. */
export interface UpdateRule<Slot extends string> {
  /** What is kept of a parameter of that shape from step to step: names, as torch or optax has them, and shapes. */
  readonly slots: (shape: readonly number[], name: string) => readonly (readonly [Slot, readonly number[]])[]
  /** What becomes of a learning rate in a step, while the schedule says 1. Default: nothing. */
  readonly stepSize?: (learningRate: number, step: tf.Scalar) => tf.Scalar
  /** The new value of each parameter in a step, `place` being its own among all that move in it; `step` counts from 1. */
  readonly atStep: (step: tf.Scalar, turns: readonly Turn<Slot>[]) => (turn: Turn<Slot>, place: number) => tf.Tensor
}

interface Tracked<Slot extends string> extends GroupSettings {
  readonly variable: tf.Variable
  readonly slots: ReadonlyMap<Slot, tf.Variable>
}

type Settings = Readonly<Record<string, number | boolean | string | readonly number[]>>

/**
 * What the optimizers have in common: groups of parameters, a learning rate that a schedule scales, and a state for checkpoints.
 * They are tfjs optimizers: `minimize`, `applyGradients` and `model.compile` take them. A step reads no value back and depends on
 * no number of JavaScript that changes, so it can be recorded once by `jit`; for that, say the `parameters`.
 */
export abstract class Optimizer<Slot extends string = string> extends tf.Optimizer {
  readonly #rule: UpdateRule<Slot>
  readonly #settings: Settings & { readonly learningRate: number; readonly weightDecay: number }
  /** Options of some parameters only. */
  readonly groups: readonly ParameterGroup[]
  readonly #given: boolean
  /** By the name of the variable, under which gradients come. */
  readonly #tracked = new Map<string, Tracked<Slot>>()
  readonly #state = new Map<string, tf.Variable>()
  readonly #step: tf.Variable<tf.Rank.R0>
  readonly #share: tf.Variable<tf.Rank.R0>

  /** @param settings what `getConfig` returns */
  protected constructor(
    settings: Settings & { readonly learningRate: number; readonly weightDecay: number },
    { parameters, groups = [] }: OptimizerOptions,
    rule: UpdateRule<Slot>,
  ) {
    super()
    checkSetting('learningRate', settings.learningRate)
    checkSetting('weightDecay', settings.weightDecay)
    for (const { learningRate = 1, weightDecay = 0 } of groups) {
      checkSetting('learningRate of a group', learningRate)
      checkSetting('weightDecay of a group', weightDecay)
    }
    this.#rule = rule
    this.#settings = settings
    this.groups = groups
    this.#given = parameters !== undefined
    for (const [name, { shape }] of parameters ?? []) {
      if (!groupSettings(name, groups, settings).frozen) rule.slots(shape, name) // throws before anything is made
    }
    this.#step = scalarVariable(0)
    this.#share = scalarVariable(1)
    this.#state.set('step', this.#step)
    for (const [name, variable] of parameters ?? []) this.#track(name, variable)
  }

  /** The parameters that it updates: those with a gradient, without frozen ones. */
  get variables(): tf.Variable[] {
    return [...this.#tracked.values()].flatMap(({ variable, frozen }) => (frozen ? [] : [variable]))
  }

  /** Scales the learning rate of the next steps by a `Schedule`'s value. Starts at 1. */
  scaleLearningRate(share: number): void {
    checkSetting('share of the learning rate', share)
    tf.tidy(() => {
      this.#share.assign(tf.scalar(share))
    })
  }

  /** Without `varList`, the gradients of {@link variables}, if the optimizer was given its parameters. */
  override computeGradients(
    f: () => tf.Scalar,
    varList?: tf.Variable[],
  ): { value: tf.Scalar; grads: tf.NamedTensorMap } {
    return super.computeGradients(f, varList ?? (this.#given ? this.variables : undefined))
  }

  applyGradients(gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[]): void {
    const named = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor] as const)
      : Object.entries(gradients)
    tf.tidy(() => {
      this.#step.assign(tf.add(this.#step, 1))
      const rateOf = memoized((factor) => {
        const rate = this.#settings.learningRate * factor
        return tf.mul<tf.Scalar>(this.#share, this.#rule.stepSize?.(rate, this.#step) ?? rate)
      })
      const remainderOf = memoized((decay) =>
        tf.sub<tf.Scalar>(1, tf.mul(this.#share, this.#settings.learningRate * decay)),
      )
      const turns = named.flatMap(([name, gradient]): Turn<Slot>[] => {
        const tracked = this.#tracked.get(name) ?? (this.#given ? undefined : this.#discover(name))
        if (!tracked || tracked.frozen) return []
        const { variable, slots, learningRate, weightDecay } = tracked
        const rate = rateOf(learningRate)
        const remainder = weightDecay > 0 ? remainderOf(learningRate * weightDecay) : undefined
        const decayed = (): tf.Tensor => (remainder ? tf.mul(variable, remainder) : variable)
        return [{ variable, gradient, kept: (slot) => slotOf(slots, slot), rate, weightDecay, decayed }]
      })
      const update = this.#rule.atStep(this.#step, turns)
      for (const [place, turn] of turns.entries()) {
        tf.tidy(() => {
          turn.variable.assign(update(turn, place))
        })
      }
    })
  }

  /** All that the next step depends on besides parameters, settings and schedule: for checkpoints. The variables stay its own. */
  state(): ReadonlyMap<string, tf.Variable> {
    return this.#state
  }

  /**
   * Continues where another optimizer of the same kind was when its {@link state} was saved. Say the `parameters` to the constructor.
   * @throws {WeightsError} if it is a state of something else
   */
  loadState(state: ReadonlyMap<string, tf.Tensor>): void {
    loadState(this.#state, state, this.getClassName())
  }

  #discover(name: string): Tracked<Slot> | undefined {
    const variable = tf.engine().registeredVariables[name]
    return variable && this.#track(name, variable)
  }

  #track(name: string, variable: tf.Variable): Tracked<Slot> {
    const settings = groupSettings(name, this.groups, this.#settings)
    const specs = settings.frozen ? [] : this.#rule.slots(variable.shape, name)
    const slots = specs.map(([slot, shape]): [Slot, tf.Variable] => {
      const zeros = tf.tidy(() => tf.variable(tf.fill([...shape], 0), false)) // made natively: no zeros in JavaScript
      this.#state.set(`${slot}/${name}`, zeros)
      return [slot, zeros]
    })
    const tracked = { ...settings, variable, slots: new Map(slots) }
    this.#tracked.set(variable.name, tracked)
    return tracked
  }

  /** Frees the state. The parameters are not its own. */
  override dispose(): void {
    tf.dispose([...this.#state.values(), this.#share])
    this.#state.clear()
    this.#tracked.clear()
    super.dispose()
  }

  /** The settings. Parameters and groups are not among them: they don't fit into JSON. */
  getConfig(): tf.serialization.ConfigDict {
    return Object.fromEntries(
      Object.entries(this.#settings).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
    )
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(config)
  }
}

const scalarVariable = (value: number): tf.Variable<tf.Rank.R0> => tf.tidy(() => tf.variable(tf.scalar(value), false))

/** So that a scalar is computed once a step, and not for each parameter. */
function memoized(compute: (key: number) => tf.Scalar): (key: number) => tf.Scalar {
  const known = new Map<number, tf.Scalar>()
  return (key) => {
    const value = known.get(key) ?? compute(key)
    known.set(key, value)
    return value
  }
}

function slotOf<Slot extends string>(slots: ReadonlyMap<Slot, tf.Variable>, slot: Slot): tf.Variable {
  const variable = slots.get(slot)
  if (variable) return variable
  throw new InputError('an update rule asks for a slot that it has not', { found: slot })
}
