import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { writeColours } from '../../training/colours.js'
import { jsonLines, model, siglip } from '../siglip.js'

let folder = ''
let data = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-train-'))
  data = path.join(folder, 'colours')
  await writeColours(data)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const common = (out: string): string[] => [
  '--model',
  model,
  '--batch-size',
  '8',
  '--lr',
  '1e-3',
  '--out',
  path.join(folder, out),
]
const weights = (out: string) => readFile(path.join(folder, out, 'model', 'model.safetensors'))

describe('siglip train', () => {
  it('killed at ten random moments and taken up, it ends with the same weights to the bit', async () => {
    const settings = ['train', data, '--steps', '120', '--save-every', '4', '--ema', '0.9', '--seed', '5']
    const whole = await siglip([...settings, ...common('whole')])
    expect([whole.code, whole.stderr]).toEqual([0, expect.stringContaining('trained 120 steps')])
    const delays = Array.from({ length: 10 }, () => Math.floor(Math.random() * 120))
    let killed = 0
    for (const delay of delays) {
      const { code } = await siglip([...settings, ...common('broken'), '--resume'], {
        when: [/step \d+ of/, (child) => setTimeout(() => child.kill('SIGKILL'), delay)],
      })
      if (code === null) killed++
    }
    const last = await siglip([...settings, ...common('broken'), '--resume'])
    expect([delays, last.code]).toEqual([delays, 0])
    expect(killed).toBeGreaterThan(3)
    expect([delays, (await weights('broken')).equals(await weights('whole'))]).toEqual([delays, true])
  }, 240_000)

  it('stopped by Ctrl-C, it saves where it is and says how to go on', async () => {
    const settings = ['train', data, '--steps', '100000', ...common('stopped')]
    const { code, stderr } = await siglip(settings, { when: [/step \d+ of/, (child) => child.kill('SIGINT')] })
    expect(code).toBe(130)
    const [, step] = /step-(\d+): step \1 of 100000; continue with --resume/.exec(stderr) ?? []
    expect(await readdir(path.join(folder, 'stopped', 'checkpoints'))).toEqual([`step-${step}`])
    const again = await siglip(settings)
    expect(again.code).toBe(1)
    expect(again.stderr).toMatch(/already holds a training.*Resume/)
  })

  it('makes a classifier of a folder of folders, and draws which classes it takes for which', async () => {
    const { code, stderr } = await siglip([
      ...['train', data, '--loss', 'classification', '--epochs', '20', ...common('classes')],
      ...['--lr', '1e-2', '--eval', data],
    ])
    expect([code, stderr]).toEqual([0, expect.stringContaining('accuracy 1.0000')])
    expect(await readFile(path.join(folder, 'classes', 'confusion.svg'), 'utf8')).toContain('red named red: 4 of 4')
    const config = JSON.parse(await readFile(path.join(folder, 'classes', 'model', 'config.json'), 'utf8')) as object
    expect(config).toMatchObject({
      id2label: { 0: 'black', 5: 'yellow' },
      architectures: ['SiglipForImageClassification'],
    })

    const trained = ['--model', path.join(folder, 'classes', 'model')]
    const scored = await siglip(['classify', path.join(data, 'red'), '--json', '--top', '2', ...trained])
    const lines = jsonLines(scored.stdout) as { scores: { label: string; score: number }[] }[]
    expect(lines.map(({ scores }) => [scores.length, scores[0]?.label])).toEqual(lines.map(() => [2, 'red']))
    expect(lines).toHaveLength(4)
    const labelled = await siglip(['classify', path.join(data, 'red'), '--labels', 'red', ...trained])
    expect([labelled.code, labelled.stderr]).toEqual([2, expect.stringMatching(/is a classifier.*its own classes/)])
  })

  it('refuses a pattern that matches no parameter', async () => {
    const { code, stderr } = await siglip(['train', data, '--steps', '1', '--freeze', 'visionmodel', ...common('none')])
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/matches no parameter.*logit_scale.*visionmodel \(freeze\)/),
    ])
  })

  it('adapters of a classifier come with its top layer', async () => {
    const file = path.join(folder, 'groups.json')
    await writeFile(file, JSON.stringify({ groups: [{ pattern: '^classifier', learningRate: 10, weightDecay: 0 }] }))
    const { code, stderr } = await siglip([
      ...['train', data, '--loss', 'classification', '--lora', 'r=4', '--epochs', '20', ...common('lora-classes')],
      ...['--lr', '1e-3', '--eval', data, '--config', file],
    ])
    expect([code, stderr]).toEqual([0, expect.stringContaining('accuracy 1.0000')])
    const adapter = path.join(folder, 'lora-classes', 'adapter', 'adapter_config.json')
    expect(JSON.parse(await readFile(adapter, 'utf8'))).toMatchObject({ r: 4, modules_to_save: ['classifier'] })
  })

  it('takes its settings from a file, and trains adapters alone', async () => {
    const file = path.join(folder, 'settings.json')
    const settings = {
      data,
      model,
      out: path.join(folder, 'lora'),
      steps: 3,
      batchSize: 8,
      lora: { r: 4 },
      loss: 'softmax',
    }
    await writeFile(file, JSON.stringify({ ...settings, augmentation: { flip: 0.5 }, keepPatches: { share: 0.5 } }))
    expect(await siglip(['train', '--config', file, '--lr', '0.01'])).toMatchObject({ code: 0 })
    expect(await readdir(path.join(folder, 'lora', 'adapter'))).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
    ])
    expect(
      JSON.parse(await readFile(path.join(folder, 'lora', 'adapter', 'adapter_config.json'), 'utf8')),
    ).toMatchObject({ r: 4 })
    expect((await weights('lora')).equals(await readFile(path.join(model, 'model.safetensors')))).toBe(false)
  })

  it('takes the same settings from YAML', async () => {
    const file = path.join(folder, 'settings.yaml')
    const lines = ['# two steps', `data: ${data}`, `model: ${model}`, `out: ${folder}/yaml`, 'steps: 2', 'lr: 1e-3']
    await writeFile(
      file,
      [...lines, 'batchSize: 8', 'freeze:', '  - ^text_model', 'augmentation: { flip: 0.5 }'].join('\n'),
    )
    expect(await siglip(['train', '--config', file])).toMatchObject({ code: 0 })
    expect(await readdir(path.join(folder, 'yaml'))).toContain('model')
    await writeFile(file, 'steps: [1\nout: x')
    const { code, stderr } = await siglip(['train', '--config', file])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/The settings are not YAML.*line 2[^\n]*\n$/)])
  })

  it.each<[string, readonly string[], object, number, RegExp]>([
    ['no length', ['--model', model, '--out', 'x'], {}, 2, /either --epochs or --steps/],
    ['no model', ['--steps', '1', '--out', 'x'], {}, 2, /Missing model.*--model/],
    ['a mistyped loss', ['--loss', 'sigmod'], {}, 2, /Did you mean sigmoid/],
    ['a mistyped setting', [], { batchsize: 3 }, 1, /Unknown setting.*batchsize.*Did you mean batchSize/],
    ['a mistyped group', [], { groups: [{ pattern: 'x', lr: 3 }] }, 1, /Unknown setting.*lr \(groups\[0\]/],
    ['a group of nothing', [], { groups: { frozen: true } }, 1, /Invalid pattern/],
    ['a wrong setting', [], { epochs: 'many' }, 1, /Invalid epochs.*whole number/],
    ['adapters by Muon', ['--lora', 'r=8', '--optimizer', 'muon'], { steps: 1, model, out: 'x' }, 2, /Use adamw/],
    [
      'micro-batches of a classifier',
      ['--micro-batches', '2', '--loss', 'multi-label'],
      { steps: 1, model, out: 'x' },
      2,
      /does not support microBatches/,
    ],
    ['a seed that is no whole number', ['--seed', '1.5'], {}, 2, /--seed.*Expected a whole number from 0/],
    ['adapters of nothing', ['--lora', 'rank=8'], {}, 1, /Unknown setting.*rank/],
    ['a pattern that is none', ['--freeze', '('], {}, 1, /Invalid pattern/],
  ])('says in one line what is wrong with %s', async (_, options, settings, expected, message) => {
    const file = path.join(folder, 'wrong.json')
    await writeFile(file, JSON.stringify(settings))
    const { code, stderr } = await siglip(['train', data, '--config', file, ...options], { env: { SIGLIP_MODEL: '' } })
    expect([code, stderr]).toEqual([expected, expect.stringMatching(message)])
    expect(stderr).toMatch(/^siglip: [^\n]*\n$/)
  })

  it('names everything that is broken before it trains, and leaves it out if told to', async () => {
    const broken = path.join(folder, 'with-broken')
    await mkdir(path.join(broken, 'red'), { recursive: true })
    await writeFile(path.join(broken, 'red', 'no-image.png'), 'none')
    await writeFile(path.join(broken, 'loose.png'), 'none')
    const args = ['train', broken, '--steps', '1', ...common('never')]
    const { code, stderr } = await siglip(args)
    expect(code).toBe(1)
    expect(stderr).toMatch(/red\/no-image\.png: unreadable image; loose\.png|loose\.png.*red\/no-image\.png/)
    expect(await readdir(folder)).not.toContain('never')
  })
})
