import { cpus } from 'node:os'

import { cpuInfo, featuresIn } from '../../src/backend/cpu.js'

it.each([
  ['flags\t\t: fpu sse4_2 fma avx avx2 bmi1', ['AVX2']],
  ['flags : avx2 avx512f avx512_bf16 amx_bf16 amx_tile amx_int8', ['AVX2', 'AVX-512', 'BF16', 'AMX']],
  ['Features : fp asimd evtstrm aes bf16 i8mm', ['BF16', 'NEON']],
  ['hw.optional.arm.FEAT_BF16: 1\nhw.optional.AdvSIMD: 1\nhw.optional.avx512f: 0', ['BF16', 'NEON']],
  ['hw.optional.arm.FEAT_BF16: 0', []],
])('reads %j', (text, expected) => {
  expect(featuresIn(text)).toEqual(expected)
})

it('describes this one', () => {
  expect(cpuInfo()).toMatchObject({ model: cpus()[0]?.model.trim(), threads: cpus().length })
})
