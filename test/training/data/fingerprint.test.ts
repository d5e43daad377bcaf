import { ConfigError } from '../../../src/errors.js'
import { checkSameData, fingerprintOf, storedFingerprint } from '../../../src/training/data/fingerprint.js'
import type { Sample } from '../../../src/training/data/sample.js'

const sample = (key: string, captions: readonly string[] = [`a ${key}`], label?: string): Sample => ({
  key,
  captions,
  open: () => key,
  ...(label !== undefined && { label }),
})
const samples = ['a.png', 'b.png', 'c.png'].map((key) => sample(key, [`a ${key}`], 'one'))
const check = (now: readonly Sample[], shards?: readonly string[]) => (): void => {
  const stored = storedFingerprint(JSON.parse(JSON.stringify(fingerprintOf(samples, { shards: ['/here/x.tar'] }))))
  if (!stored) throw new TypeError('not stored')
  checkSameData(stored, fingerprintOf(now, { shards: shards ?? ['x.tar'] }), 'out/checkpoints/step-2')
}

test('the same samples are the same, wherever their shards lie now', () => {
  expect(check([...samples])).not.toThrow()
  expect(check(samples, ['/there/x.tar'])).not.toThrow()
})

test.each<[string, readonly Sample[], RegExp]>([
  ['fewer', samples.slice(0, 2), /expected 3 samples, from "a\.png" to "c\.png", found 2 samples, from "a\.png" to "b/],
  ['others', ['d.png', 'e.png', 'f.png'].map((key) => sample(key)), /found 3 samples, from "d\.png"/],
  ['another order', [...samples].reverse(), /found the same samples in another order/],
  ['other captions', samples.map((each) => ({ ...each, captions: ['x'] })), /found other captions/],
  ['captions cut elsewhere', samples.map((each) => ({ ...each, captions: ['a', each.key] })), /found other captions/],
  ['other classes', samples.map((each) => ({ ...each, label: 'two' })), /found other classes/],
  ['none any more', [], /found 0 samples/],
])('%s are refused, with what differs', (_, now, message) => {
  expect(check(now)).toThrow(ConfigError)
  expect(check(now)).toThrow(message)
  expect(check(now)).toThrow(/belongs to a training on other data.*step-2.*another folder/)
})

test('other shards are refused, and no fingerprint of an earlier version is none', () => {
  expect(check(samples, ['y.tar'])).toThrow(/found other shards/)
  expect(storedFingerprint(undefined)).toBeUndefined()
})

test('200,000 samples take a moment', () => {
  const many = Array.from({ length: 200_000 }, (_, i) => sample(`folder/${i}.jpg`, ['a caption of some length here']))
  expect(fingerprintOf(many).samples).toBe(200_000)
})
