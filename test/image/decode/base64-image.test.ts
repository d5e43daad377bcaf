import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { base64Image } from '../../../src/image/decode/base64-image.js'
import { fixture } from '../reference-arrays.js'

const images = readdirSync(fixture('images')).filter((name) => /\.(jpg|png|webp|gif|tif|avif)$/.test(name))

it.each(images)('reads %s, in either alphabet, also in lines and without padding', (name) => {
  const bytes = readFileSync(fixture('images', name))
  const plain = bytes.toString('base64')
  const lines = plain.replace(/.{76}/g, '$&\r\n')
  for (const text of [plain, lines, `${lines}\n`, plain.replace(/=+$/, ''), bytes.toString('base64url')]) {
    expect(Buffer.from(base64Image(text) ?? []).equals(bytes)).toBe(true)
  }
})

it('takes no path and no other text for an image', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[\w ().-]{1,12}$/), { minLength: 1, maxLength: 12 }), (parts) => {
      expect(base64Image(`${parts.join('/')}.png`)).toBeUndefined()
    }),
  )
  const png = readFileSync(fixture('images', 'small-rgb.png')).toString('base64')
  for (const text of [
    '',
    'iVBORw0KGgo',
    `${png}.png`,
    `${png}?`,
    Buffer.from('hello '.repeat(99)).toString('base64'),
  ]) {
    expect(base64Image(text)).toBeUndefined()
  }
})

it('takes time linear in the text', () => {
  const bytes = new Uint8Array(10_000_000)
  bytes.set([0xff, 0xd8, 0xff])
  expect(base64Image(Buffer.from(bytes).toString('base64'))?.length).toBe(bytes.length)
})
