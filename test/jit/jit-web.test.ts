import { makeJitted } from '../../src/jit/jit-web.js'

const options = { precision: 'float32', maxTraces: 1, inPlace: false } as const

it('is the function itself in a page, and says so once', async () => {
  const said = jest.spyOn(console, 'info').mockReturnValue()
  const fn = makeJitted((a: number, b: number) => a + b, options)
  expect([fn(1, 2), await fn.async(3, 4), fn.traces]).toEqual([3, 7, 0])
  fn.dispose()
  makeJitted(() => 1, options)()
  expect(said).toHaveBeenCalledTimes(1)
  said.mockRestore()
})
