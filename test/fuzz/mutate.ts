import type { Dice } from '../dice.js'

const bytes = [0x00, 0x01, 0x7f, 0x80, 0xff]
const numbers = ['0', '-1', '1', '65536', '2147483648', '4294967295', '9007199254740993', '1e308', '0.5', 'null', '"x"']

/** A damaged copy of a file: one to four of the things that happen to bytes, mostly near its ends, where headers lie. */
export function mutate(file: Uint8Array, roll: Dice): Uint8Array {
  let mutant: Buffer = Buffer.from(file)
  for (let times = roll(3) === 0 ? 1 + roll(4) : 1; times > 0 && mutant.length > 0; times--) {
    const span = [mutant.length, 64, 1024][roll(3)] ?? 64
    const at = Math.min(
      mutant.length - 1,
      roll(2) === 0 ? roll(span) : mutant.length - 1 - roll(Math.min(span, mutant.length)),
    )
    const length = 1 + roll([2, 8, 64, 4096][roll(4)] ?? 2)
    switch (roll(8)) {
      case 0:
        mutant[at] = (mutant[at] ?? 0) ^ (1 << roll(8))
        break
      case 1:
        mutant.subarray(at, at + (roll(2) === 0 ? 1 : Math.min(length, 8))).fill(bytes[roll(bytes.length)] ?? 0)
        break
      case 2:
        mutant[at] = roll(256)
        break
      case 3:
        mutant = mutant.subarray(0, at)
        break
      case 4:
        mutant = Buffer.concat([mutant.subarray(0, at), mutant.subarray(at + length)])
        break
      case 5:
        mutant = Buffer.concat([mutant.subarray(0, at + length), mutant.subarray(at)])
        break
      case 6:
        mutant = Buffer.concat([
          mutant.subarray(0, at),
          Buffer.alloc(length, bytes[roll(bytes.length)]),
          mutant.subarray(at),
        ])
        break
      default:
        mutant = withOtherNumber(mutant, at, numbers[roll(numbers.length)] ?? '0')
    }
  }
  return mutant
}

/** Text formats are best broken by another number in a number's place. */
function withOtherNumber(file: Buffer, at: number, number: string): Buffer {
  const window = file.subarray(at, at + 400).toString('latin1')
  const digits = /-?\d+/.exec(window)
  if (!digits) return file
  const begin = at + digits.index
  return Buffer.concat([file.subarray(0, begin), Buffer.from(number), file.subarray(begin + digits[0].length)])
}
