import fc from 'fast-check'
import { npyHead } from '../../../converters/formats/serialize-npy.js'

describe('npyHead', () => {
  it('is what NumPy writes', () => {
    const expected = Buffer.concat([
      Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]),
      Buffer.from("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 32), }".padEnd(117) + '\n'),
    ])
    expect(Buffer.from(npyHead([2, 32])).equals(expected)).toBe(true)
  })

  it('is aligned to 64 bytes and has the shape, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 31), { minLength: 1, maxLength: 6 }), (shape) => {
        const head = npyHead(shape)
        const text = Buffer.from(head).toString('latin1', 10)
        expect(head.length % 64).toBe(0)
        expect(new DataView(head.buffer).getUint16(8, true)).toBe(text.length)
        const [, tuple = ''] = /'shape': \((.*?),?\), \} *\n$/.exec(text) ?? []
        expect(tuple.split(',').map(Number)).toEqual(shape)
      }),
    )
  })
})
