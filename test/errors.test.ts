import { FileError, InputError } from '../src/errors.js'

describe('an error', () => {
  const long = `begins ${'x'.repeat(300_000)} ends`

  it.each(['expected', 'found', 'where', 'hint'] as const)('quotes a long %s by its beginning and its end', (part) => {
    const error = new InputError('Bad input', { [part]: long })
    expect(error.message.length).toBeLessThan(5000)
    expect(error.message).toMatch(/begins xxx.*… \(300012 characters\) ….*xxx ends/)
    expect(error[part]?.length).toBeLessThan(5000)
  })

  it('shortens what begins the message, and the message of the error underneath', () => {
    const cause = Object.assign(new Error(long), { name: 'SystemError' })
    const error = new FileError(long, { cause })
    expect(error.message.length).toBeLessThan(5000)
    expect(error.stack?.length).toBeLessThan(10_000)
    expect(error.cause).toMatchObject({ name: 'SystemError', message: expect.stringMatching(/^begins x/) as string })
    expect((error.cause as Error).message.length).toBeLessThan(5000)
    expect((error.cause as Error).stack?.length).toBeLessThan(5000)
  })

  it('keeps what is short as it is', () => {
    const cause = new Error('ENOENT')
    const error = new FileError('No such file', { expected: 'a', found: 'b', where: 'c', hint: 'Do d.', cause })
    expect(error.message).toBe('No such file: expected a, found b (c). Do d.')
    expect(error.cause).toBe(cause)
  })
})
