import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { FormatError } from '../../../src/errors.js'

/** A file of this header, followed by so many bytes of data. */
function file(header: string | Uint8Array, data = 0, length?: bigint): Uint8Array {
  const text = Buffer.from(header)
  const bytes = Buffer.alloc(8 + text.length + data)
  bytes.writeBigUInt64LE(length ?? BigInt(text.length))
  text.copy(bytes, 8)
  return bytes
}

const tensor = (shape: string, offsets: string, dtype = '"F32"'): string =>
  `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`

test.each([
  ['{}', 0, []],
  ['{}   ', 0, []],
  ['{"__metadata__":null}', 0, []],
  ['{"__metadata__":{"a":"b"}}', 0, []],
  [`{"a":${tensor('[]', '[0,4]')}}`, 4, ['a']],
  [`{"":${tensor('[1]', '[0,4]')}}`, 4, ['']],
  [`{"__proto__":${tensor('[1]', '[0,4]')}}`, 4, ['__proto__']],
  [`{"b":${tensor('[1]', '[4,8]')},"a":${tensor('[1]', '[0,4]')}}`, 8, ['b', 'a']],
  [`{"a":${tensor('[1]', '[0,4]')},"z":${tensor('[0]', '[0,0]')},"e":${tensor('[3,0]', '[4,4]')}}`, 4, ['a', 'z', 'e']],
  [`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":{"dtype":1}}}`, 4, ['a']],
  [`{"a":${tensor('[4]', '[0,3]', '"F6_E2M3"')}}`, 3, ['a']],
])('%s is a header, as it is for the Rust implementation', (header, data, names) => {
  expect([...parseSafetensors(file(header, data)).tensors.keys()]).toEqual(names)
})

test.each<[string, Uint8Array, RegExp]>([
  ['nothing', new Uint8Array(0), /too short: expected at least 8 bytes, found 0 bytes/],
  ['seven bytes', new Uint8Array(7), /too short/],
  [
    'a Git LFS pointer',
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00'),
    /Git LFS pointer.*git lfs pull/,
  ],
  ['a header longer than the file', file('{}', 0, 3n), /header is too long: expected at most 2 bytes, found 3 bytes/],
  ['a header of 2⁶⁴ − 1 bytes', file('{}', 0, 2n ** 64n - 1n), /header is too long/],
  ['no header', file(''), /not JSON/],
  ['broken JSON', file('{"a":'), /not JSON/],
  ['bytes after the JSON', file('{}\0'), /not JSON/],
  ['a list', file('[]'), /not a JSON object/],
  ['null', file('null'), /not a JSON object/],
  ['a space before the object', file(' {}'), /not a JSON object/],
  ['a byte order mark', file('\ufeff{}'), /not JSON/],
  ['broken UTF-8', file(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), /not UTF-8/],
  ['deep nesting', file('['.repeat(1e6)), /not JSON/],
  ['deep nesting in a tensor', file(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`), /Unknown element type/],
  ['deep nesting in the shape', file(`{"a":${tensor('['.repeat(5e4) + ']'.repeat(5e4), '[0,4]')}}`, 4), /found a list/],
  ['a name twice', file(`{"a":${tensor('[1]', '[0,4]')},"a":${tensor('[1]', '[0,4]')}}`, 4), /twice: found "a"/],
  [
    'a name twice, once escaped',
    file(`{"a":${tensor('[1]', '[0,4]')},"\\u0061":${tensor('[1]', '[0,4]')}}`, 4),
    /twice: found "a"/,
  ],
  [
    'a key twice',
    file('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    /twice: found "dtype"/,
  ],
  ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /twice: found "__metadata__"/],
  ['a text twice', file('{"__metadata__":{"x\\"":"","x\\"":""}}'), /twice/],
  ['metadata that are a list', file('{"__metadata__":[]}'), /metadata are not texts/],
  ['metadata that are numbers', file('{"__metadata__":{"a":1}}'), /metadata are not texts/],
  ['a tensor that is none', file('{"a":1}'), /Unknown element type.*found nothing.*tensor "a"/],
  [
    'an unknown type',
    file(`{"a":${tensor('[1]', '[0,4]', '"F33"')}}`, 4),
    /expected U64, .*found "F33" \(tensor "a" in /,
  ],
  ['an inherited type', file(`{"a":${tensor('[1]', '[0,4]', '"toString"')}}`, 4), /Unknown element type/],
  ['a type that is no text', file(`{"a":${tensor('[1]', '[0,4]', '["F32"]')}}`, 4), /found a list/],
  ['a negative size', file(`{"a":${tensor('[-1]', '[0,4]')}}`, 4), /not a list of sizes/],
  ['a size of -0', file(`{"a":${tensor('[-0]', '[0,0]')}}`), /not a list of sizes/],
  ['a broken size', file(`{"a":${tensor('[0.5]', '[0,2]')}}`, 2), /not a list of sizes/],
  ['a size above 2⁵³', file(`{"a":${tensor('[9007199254740993]', '[0,4]')}}`, 4), /not a list of sizes/],
  [
    'a shape that is none',
    file(`{"a":${tensor('{"0":1}', '[0,4]')}}`, 4),
    /not a list of sizes: expected whole numbers, found an object/,
  ],
  ['a product that wraps to 4', file(`{"a":${tensor('[4294967297,4294967297]', '[0,4]')}}`, 4), /does not fit/],
  [
    'a product that overflows before a 0',
    file(`{"a":${tensor('[4503599627370496,4503599627370496,0]', '[0,0]')}}`),
    /does not fit/,
  ],
  ['three offsets', file(`{"a":${tensor('[1]', '[0,4,8]')}}`, 4), /place of the data/],
  ['one offset', file(`{"a":${tensor('[0]', '[0]')}}`), /place of the data/],
  ['negative offsets', file(`{"a":${tensor('[1]', '[-4,0]')}}`), /place of the data/],
  ['offsets the wrong way round', file(`{"a":${tensor('[1]', '[4,0]')}}`, 4), /does not fit/],
  [
    'data smaller than the shape',
    file(`{"a":${tensor('[2]', '[0,4]')}}`, 4),
    /expected 8 bytes for F32 \[2\], found 4 bytes/,
  ],
  ['elements that fill no bytes', file(`{"a":${tensor('[3]', '[0,2]', '"F4"')}}`, 2), /does not fit/],
  [
    'data beyond the file',
    file(`{"a":${tensor('[2]', '[0,8]')}}`, 4),
    /truncated: expected 7\d bytes, found 6\d bytes/,
  ],
  ['bytes after the data', file(`{"a":${tensor('[1]', '[0,4]')}}`, 5), /Bytes follow the last tensor/],
  ['bytes after no tensors', file('{}', 1), /Bytes follow/],
  [
    'a hole',
    file(`{"a":${tensor('[1]', '[0,4]')},"b":${tensor('[1]', '[5,9]')}}`, 9),
    /belong to no tensor.*from 5 \(tensor "b"/,
  ],
  ['a hole at the start', file(`{"a":${tensor('[1]', '[4,8]')}}`, 8), /belong to no tensor/],
  ['an overlap', file(`{"a":${tensor('[2]', '[0,8]')},"b":${tensor('[1]', '[4,8]')}}`, 8), /overlap.*tensor "b"/],
  ['the same bytes twice', file(`{"a":${tensor('[1]', '[0,4]')},"b":${tensor('[1]', '[0,4]')}}`, 4), /overlap/],
])('%s is refused', (_, bytes, message) => {
  const read = (): unknown => parseSafetensors(bytes, 'x.safetensors')
  expect(read).toThrow(FormatError)
  expect(read).toThrow(message)
  expect(read).toThrow(/x\.safetensors/)
})

test('the message stays one short line, whatever the file says', () => {
  const name = '\u001b[31m\n'.repeat(10_000)
  try {
    parseSafetensors(file(JSON.stringify({ [name]: { dtype: name, shape: [], data_offsets: [] } })))
  } catch (error) {
    expect(String(error)).toMatch(/^[\P{Cc}]{50,2000}$/u)
    return
  }
  throw new Error('it was accepted')
})

test('whatever happens to a file, it is read or refused as one of a broken format', () => {
  const original = readFileSync('test/fixtures/formats/sharded/model-00004-of-00007.safetensors')
  const headerEnd = 8 + Number(original.readBigUInt64LE())
  const place = fc.oneof(fc.nat(headerEnd - 1), fc.nat(original.length - 1))
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc
      .constantFrom('{', '}', '[', ']', '"', ',', ':', '0', '-', '9', 'e9', 'null', '"F64"', '\\')
      .map((s) => Buffer.from(s)),
  )
  const edit = fc.record({ at: place, drop: fc.nat(6), put: piece })
  let refused = 0
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.option(place), (edits, cut) => {
      let bytes: Uint8Array = original
      for (const { at, drop, put } of edits)
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + drop)])
      if (cut !== null) bytes = bytes.subarray(0, cut)
      try {
        const { tensors } = parseSafetensors(bytes)
        const total = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0)
        expect(total).toBeLessThan(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
        refused++
      }
    }),
    { numRuns: 3000 },
  )
  expect(refused).toBeGreaterThan(1000)
})
