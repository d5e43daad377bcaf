/// <reference lib="esnext.disposable" preserve="true" />
import { InputError } from '../errors.js'
import type { ImageInput } from '../image/decode/image-input.js'

/**
 * An image that can't be mistaken for a source of images: an async iterable of bytes must be a Node or web stream.
 *
 * The model's image processor decides what becomes of transparent pixels (`doConvertRgb`): SigLIP's lays them on white, wherever the
 * image comes from, as transformers' does with a PIL image; transformers' pipelines drop the alpha of files.
 */
export type OneImage =
  | Exclude<ImageInput, AsyncIterable<Uint8Array>>
  | ReadableStream<Uint8Array>
  | (AsyncIterable<Uint8Array> & { readonly pipe: unknown })

/** How every pipeline is called. `Rest` is what its calls take after the inputs. */
export interface PipelineCall<One, Each, Rest extends readonly unknown[], Result> {
  /** The result of one input. */
  (input: One, ...rest: Rest): Promise<Result>
  /** The results of several, in their order. */
  (inputs: readonly Each[], ...rest: Rest): Promise<Result[]>
  /** The results of inputs that come one by one, as they are ready. */
  (inputs: AsyncIterable<Each>, ...rest: Rest): AsyncGenerator<Result>
  /** Results as they are ready, of whatever inputs. */
  stream(inputs: Iterable<Each> | AsyncIterable<Each>, ...rest: Rest): AsyncGenerator<Result>
}

/** What every pipeline has besides. */
export interface PipelineResources extends Disposable {
  /** Frees the model's memory and ends the threads. */
  dispose(): void
}

type Stream<Each, Rest extends readonly unknown[], Result> = (
  inputs: Iterable<Each> | AsyncIterable<Each>,
  ...rest: Rest
) => AsyncGenerator<Result>

/** Makes all the ways of calling a pipeline out of one. */
export function pipelineCall<One extends Each, Each, Rest extends readonly unknown[], Result>(
  stream: Stream<Each, Rest, Result>,
): PipelineCall<One, Each, Rest, Result> {
  function call(input: One, ...rest: Rest): Promise<Result>
  function call(inputs: readonly Each[], ...rest: Rest): Promise<Result[]>
  function call(inputs: AsyncIterable<Each>, ...rest: Rest): AsyncGenerator<Result>
  function call(
    inputs: Each | readonly Each[] | AsyncIterable<Each>,
    ...rest: Rest
  ): Promise<Result | Result[]> | AsyncGenerator<Result> {
    if (isList(inputs)) return all(stream(inputs, ...rest))
    return isSource(inputs) ? stream(inputs, ...rest) : only(stream([inputs], ...rest))
  }
  return Object.assign(call, { stream })
}

/** How a pipeline's resources are freed, by whichever name. */
export function resources(dispose: () => void): PipelineResources {
  return { dispose, [Symbol.dispose]: dispose }
}

const isList = <T>(inputs: T | readonly T[] | AsyncIterable<T>): inputs is readonly T[] => Array.isArray(inputs)

/** An async iterable other than a stream: a stream is one image's bytes. */
const isSource = <T>(inputs: T | AsyncIterable<T>): inputs is AsyncIterable<T> =>
  typeof inputs === 'object' &&
  inputs !== null &&
  Symbol.asyncIterator in inputs &&
  !('pipe' in inputs) &&
  !('getReader' in inputs)

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const result of results) list.push(result)
  if (list.length > 0) return list
  throw new InputError('Missing inputs', { expected: 'at least one', found: 'an empty list' })
}

async function only<T>(results: AsyncIterable<T>): Promise<T> {
  const [result] = await all(results)
  return result as T // a list that isn't empty has a first
}
