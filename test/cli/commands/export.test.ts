import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fixture, jsonLines, model, siglip } from '../siglip.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-export-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('siglip export', () => {
  it('writes what ONNX Runtime reads, and over it only when told to', async () => {
    const files = ['model.onnx', 'model.onnx_data', 'text_model.onnx', 'vision_model.onnx']
    const first = await siglip(['--quiet', 'export', model, folder, '--to', 'onnx', '--json'])
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const [{ files: named }] = jsonLines(first.stdout) as [{ files: string[] }]
    expect(named.sort()).toEqual(files)
    expect((await readdir(folder)).sort()).toEqual(files)
    const second = await siglip(['export', model, folder, '--to', 'saved_model'])
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(/The folder is not empty/)
    expect(await siglip(['export', model, folder, '--to', 'saved_model', '--force'])).toMatchObject({ code: 0 })
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['saved_model.pb', 'variables', ...files]))
  })

  it('says in one line that NaFlex has no fixed graph', async () => {
    const { code, stderr } = await siglip(['--quiet', 'export', fixture('siglip2-naflex-tiny'), folder, '--to', 'onnx'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^siglip: this model cannot be exported[^\n]*NaFlex[^\n]*\n$/)
  })
})
