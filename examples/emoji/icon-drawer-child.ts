/**
 * The process that draws: a {@link Drawing} in, a {@link Drawn} out.
 *
 * @module
 */
import type { Drawing, Drawn } from './icon-drawer.js'
import { isObject, requireFrom } from './package-folder.js'

/** The part of `@resvg/resvg-js` that is used here. */
type Resvg = new (
  svg: string,
  options: object,
) => { render: () => { readonly pixels: Uint8Array; readonly width: number; readonly height: number } }

function loadResvg(folder: string): Resvg {
  const loaded = requireFrom(folder, '@resvg/resvg-js')
  if (isObject(loaded) && typeof loaded['Resvg'] === 'function') return loaded['Resvg'] as Resvg
  throw new Error('@resvg/resvg-js has no Resvg')
}

/** What tiny-skia draws has its colours multiplied by alpha; files have them as they are. */
function straightened(pixels: Uint8Array): Uint8Array {
  const straight = Uint8Array.from(pixels)
  for (let i = 0; i < straight.length; i += 4) {
    const alpha = straight[i + 3] ?? 0
    if (alpha === 0 || alpha === 255) continue
    for (let channel = i; channel < i + 3; channel++) {
      straight[channel] = Math.min(255, Math.round(((straight[channel] ?? 0) * 255) / alpha))
    }
  }
  return straight
}

const Resvg = loadResvg(process.argv[2] ?? '')

process.on('message', ({ id, svg }: Drawing) => {
  const answer = (drawn: Drawn): void => {
    process.send?.(drawn)
  }
  try {
    const options = { fitTo: { mode: 'original' }, font: { loadSystemFonts: false } }
    const { pixels } = new Resvg(svg, options).render()
    answer({ id, pixels: straightened(pixels) })
  } catch (error) {
    answer({ id, failure: String(error) })
  }
})
