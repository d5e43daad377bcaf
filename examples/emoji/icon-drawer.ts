import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isObject } from './package-folder.js'

/** What the child is asked. */
export interface Drawing {
  readonly id: number
  readonly svg: string
}

/** What it answers: straight red, green, blue and alpha, or why there is none. */
export type Drawn = { readonly id: number } & ({ readonly pixels: Uint8Array } | { readonly failure: string })

/**
 * Draws SVG images in a child process, one at a time: a few icons make resvg abort, and that ends its process. After that another
 * one continues.
 */
export class IconDrawer {
  #child: ChildProcess | undefined
  #count = 0

  /**
   * @param packages the folder that `@resvg/resvg-js` is installed in.
   * @param program the file that the child runs.
   */
  constructor(
    private readonly packages: string,
    private readonly program: URL = new URL('./icon-drawer-child.js', import.meta.url),
  ) {}

  /** @returns `height × width × 4` bytes, or why it can't be drawn. */
  async draw(svg: string): Promise<Uint8Array | string> {
    this.#child ??= this.start()
    const child = this.#child
    const id = this.#count++
    const answer = await new Promise<unknown>((resolve) => {
      child.once('message', resolve)
      child.once('exit', resolve)
      child.send({ id, svg } satisfies Drawing)
    })
    child.removeAllListeners('message').removeAllListeners('exit')
    if (isDrawn(answer) && answer.id === id) return 'pixels' in answer ? answer.pixels : answer.failure
    this.#child = undefined
    return 'the drawing process ended'
  }

  end(): void {
    this.#child?.kill()
  }

  private start(): ChildProcess {
    return fork(fileURLToPath(this.program), [this.packages], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    })
  }
}

function isDrawn(value: unknown): value is Drawn {
  return isObject(value) && typeof value['id'] === 'number' && ('pixels' in value || 'failure' in value)
}
