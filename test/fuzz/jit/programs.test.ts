import { onEveryKernel } from '../../backends.js'
import { smallest, trials } from './campaign.js'
import { described } from './check.js'

/** How many of each kind. `npm run fuzz:jit` tries more. */
const counts = { normal: 76, special: 74, grad: 72, bf16: 74, model: 4 } as const

const cases = (['normal', 'special', 'grad', 'bf16', 'model'] as const).flatMap((kind) =>
  Array.from({ length: counts[kind] }, (_, seed) => ({ kind, seed })),
)

onEveryKernel((engine) => {
  const setting = { isa: '', threads: 0 }
  beforeAll(() => {
    Object.assign(setting, { isa: engine().kernels, threads: engine().threads })
  })
  afterAll(() => {
    engine().setKernels(setting.isa)
    engine().setThreads(setting.threads)
  })

  it.each(cases)('does what the function of seed $seed, $kind, does', async ({ kind, seed }) => {
    const campaign = { start: seed, count: 1, kinds: [kind], isas: engine().usable, threads: [1, 2] }
    for await (const trial of trials(engine(), campaign)) {
      if (trial.fault) throw new Error(`${described(trial.fault)}\n${(await smallest(trial)).text}`)
    }
  })
})
