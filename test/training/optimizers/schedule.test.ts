import fc from 'fast-check'
import { InputError } from '../../../src/errors.js'
import { constantSchedule, cosineSchedule, rsqrtSchedule } from '../../../src/training/optimizers/schedule.js'

it('is what big_vision computes', () => {
  // create_learning_rate_schedule(100, decay_type=…, warmup_steps=10, cooldown_steps=20, timescale=50) at these steps
  const steps = [0, 5, 10, 55, 90, 99, 100]
  const at = (schedule: (step: number) => number) => steps.map((step) => Number(schedule(step).toFixed(6)))
  const options = { steps: 100, warmup: 10, cooldown: 20 }
  expect(at(cosineSchedule({ steps: 100, warmup: 10 }))).toEqual([0, 0.5, 1, 0.5, 0.030154, 0.000305, 0])
  expect(at(rsqrtSchedule({ ...options, timescale: 50 }))).toEqual([0, 0.5, 1, 0.725476, 0.310087, 0.029988, 0])
  expect(at(constantSchedule(options))).toEqual([0, 0.5, 1, 1, 0.5, 0.05, 0])
})

it('is a share: never below 0 or above 1, and 0 after the end of a cool-down', () => {
  const options = fc
    .record({ warmup: fc.nat(50), cooldown: fc.integer({ min: 1, max: 50 }), more: fc.nat(50) })
    .map(({ more, ...rest }) => ({ ...rest, steps: rest.warmup + rest.cooldown + more }))
  fc.assert(
    fc.property(options, fc.nat(200), (schedule, step) => {
      for (const make of [constantSchedule, cosineSchedule, rsqrtSchedule]) {
        const share = make(schedule)(step)
        expect(share).toBeGreaterThanOrEqual(0)
        expect(share).toBeLessThanOrEqual(1)
        if (step >= schedule.steps) expect(share).toBe(0)
      }
    }),
  )
})

it.each([
  { steps: 0 },
  { steps: 1.5 },
  { steps: 10, warmup: 6, cooldown: 5 },
  { steps: 10, warmup: 10 },
  { steps: 10, warmup: -1 },
])('refuses %j', (options) => {
  expect(() => cosineSchedule(options)).toThrow(InputError)
})

it('refuses a timescale of nothing', () => {
  expect(() => rsqrtSchedule({ steps: 10, timescale: 0 })).toThrow(InputError)
})
