import fc from 'fast-check'
import { checkFinite, firstNonFinite } from '../../../converters/formats/finite-values.js'
import { fromFloat32, toFloat32, type FloatDtype } from '../../../converters/formats/float-conversion.js'
import { WeightsError } from '../../../src/errors.js'

const nearLimits = [
  65_503, 65_504, 65_519.996, 65_520, 1e5, 3.3895313892515355e38, 3.396177e38, 3.3961776e38, 3.4028235e38,
]
const value = fc.oneof(fc.float(), fc.constantFrom(...nearLimits, ...nearLimits.map((x) => -x)))

it.each(['F64', 'F32', 'F16', 'BF16'] as const satisfies FloatDtype[])(
  'finds the first value that is not finite once it is stored as %s',
  (dtype) => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 20 }), (list) => {
        const values = Float32Array.from(list)
        const stored = dtype === 'F64' ? values : toFloat32(dtype, fromFloat32(values, dtype))
        expect(firstNonFinite(values, dtype)).toBe(stored.findIndex((x) => !Number.isFinite(x)))
      }),
      { numRuns: 2000 },
    )
  },
)

it('finds it at any index of a long array, also one in memory that may be resized', () => {
  const values = new Float32Array(new ArrayBuffer(400_000, { maxByteLength: 400_000 }))
  expect(firstNonFinite(values)).toBe(-1)
  for (const index of [99_999, 65_536, 16_384, 16_383, 0]) {
    values[index] = NaN
    expect(firstNonFinite(values)).toBe(index)
  }
})

it('says which weight it is, and what to do', () => {
  const check = (value: number, dtype?: FloatDtype) => () => {
    checkFinite(Float32Array.of(1, value), 'head.probe', 'model.safetensors', dtype)
  }
  expect(check(2)).not.toThrow()
  expect(check(NaN)).toThrow(WeightsError)
  expect(check(NaN)).toThrow(/found NaN at index 1 of head\.probe \(model\.safetensors\)\. .*take another/)
  expect(check(-Infinity)).toThrow(/found -Infinity at index 1/)
  expect(check(1e5, 'F16')).toThrow(/too large for F16.*found 100000 at index 1 of head\.probe.*bfloat16/)
  expect(check(1e5, 'BF16')).not.toThrow()
})
