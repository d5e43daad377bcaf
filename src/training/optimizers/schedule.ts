import { InputError } from '../../errors.js'

/**
 * The factor of the learning rate at a step, from 0 to 1: `optimizer.scaleLearningRate(schedule(step))`. Steps count
 * from 0. The formulas are those of big_vision's `create_learning_rate_schedule` (`utils.py`).
 */
export type Schedule = (step: number) => number

/** Lengths of a schedule's phases, in steps. */
export interface ScheduleOptions {
  /** Of the whole training. */
  readonly steps: number
  /** Linear warm-up from 0. Default: 0. */
  readonly warmup?: number | undefined
  /** Linear decay to 0 over the last steps, on top of the schedule. Default: 0. */
  readonly cooldown?: number | undefined
}

/** @throws {InputError} unless warm-up and cool-down fit into the training */
export function constantSchedule(options: ScheduleOptions): Schedule {
  return within(options, () => 1)
}

/**
 * Half a cosine from 1 to 0 (Loshchilov and Hutter 2017, "SGDR", equation 5).
 * @throws {InputError} unless warm-up and cool-down fit into the training
 */
export function cosineSchedule(options: ScheduleOptions): Schedule {
  const { steps, warmup = 0 } = options
  const progress = (step: number): number => Math.min(1, Math.max(0, (step - warmup) / (steps - warmup)))
  return within(options, (step) => 0.5 * (1 + Math.cos(Math.PI * progress(step))))
}

/**
 * 1 / √(1 + t / timescale), t steps after the warm-up: with a cool-down, a training can be branched off at any step (Zhai et al.
 * 2022, "Scaling Vision Transformers", section 3.5).
 *
 * @param options.timescale in steps. Default: 10,000
 * @throws {InputError} unless warm-up and cool-down fit into the training
 */
export function rsqrtSchedule(options: ScheduleOptions & { readonly timescale?: number | undefined }): Schedule {
  const { warmup = 0, timescale = 10_000 } = options
  if (!(timescale > 0))
    throw new InputError('Invalid timescale', { expected: 'steps from 1', found: String(timescale) })
  return within(options, (step) => 1 / Math.sqrt(1 + Math.max(0, step - warmup) / timescale))
}

function within({ steps, warmup = 0, cooldown = 0 }: ScheduleOptions, shape: Schedule): Schedule {
  for (const [name, value] of Object.entries({ steps, warmup, cooldown })) {
    if (Number.isInteger(value) && value >= (name === 'steps' ? 1 : 0)) continue
    throw new InputError(`Invalid ${name}`, { expected: 'a whole number of steps', found: String(value) })
  }
  if (warmup + cooldown > steps || warmup === steps) {
    const found = `${warmup} + ${cooldown} steps of ${steps}`
    throw new InputError('Invalid schedule', { expected: 'warm-up and cool-down within the training', found })
  }
  return (step) => {
    const rise = warmup > 0 ? Math.min(1, step / warmup) : 1
    const fall = cooldown > 0 ? Math.min(1, Math.max(0, steps - step) / cooldown) : 1
    return shape(step) * rise * fall
  }
}
