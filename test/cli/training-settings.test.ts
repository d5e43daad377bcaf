import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SETTINGS, trainingSettings } from '../../src/cli/training-settings.js'
import { siglip } from './siglip.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-settings-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function read(settings: object) {
  const file = path.join(folder, 'settings.json')
  await writeFile(file, JSON.stringify(settings))
  return trainingSettings({}, file)
}

/** A value of each type: no setting takes all of them. */
const VALUES = [true, 7, -1.5, 'no such name', '(', {}, [], ['(']]

describe('the settings of a training', () => {
  it.each(SETTINGS)('reads %s and no misspelling of it', async (name) => {
    const outcomes = await Promise.all(
      VALUES.map((value) => trainingSettings({ [name]: value }, undefined).catch(String)),
    )
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBeGreaterThan(1) // it has an effect
    await expect(trainingSettings({ [`${name}_`]: 1 }, undefined)).rejects.toThrow(`Did you mean ${name}?`)
  })

  it('spells names in messages as the file does', async () => {
    await expect(read({ batchSize: 0 })).rejects.toThrow(/^Invalid batchSize: expected a whole number/)
    await expect(read({ keepPatches: { share: 0.5, fullShare: 2 } })).rejects.toThrow(/^Invalid fullShare/)
    await expect(read({ groups: [{ pattern: 'x', weightDecay: 'no' }] })).rejects.toThrow(/^Invalid weightDecay/)
  })

  it('refuses the spelling of configurations', async () => {
    await expect(read({ batch_size: 8 })).rejects.toThrow(/Unknown setting.*Did you mean batchSize/)
    await expect(read({ keepPatches: { share: 0.5, full_share: 1 } })).rejects.toThrow(/Unknown setting.*full_share/)
  })

  it('are all named in the help of the command', async () => {
    const { stdout } = await siglip(['train', '--help'], { env: { COLUMNS: '200' } })
    const dashed = (name: string) => `--${name.replace(/[A-Z]/g, (char) => `-${char.toLowerCase()}`)} `
    const words = new Set(stdout.match(/[A-Za-z]+/g))
    const missing = SETTINGS.filter((name) => !stdout.includes(dashed(name)) && !words.has(name))
    expect(missing).toEqual([])
  })
})
