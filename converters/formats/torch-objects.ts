import { FormatError, type ErrorDetail } from '../../src/errors.js'
import type { ByteSource } from '../../src/io/byte-source.js'
import { byteLength, dtypeBits, elementCount, isShape, type Dtype } from './dtypes.js'
import { PickleFunction, type PickleWorld } from './pickle.js'
import { storedWeights, type StoredTensor } from './stored-tensor.js'
import { lastIndex } from './strides.js'
import type { Weights } from './weights.js'

/** The most that the pickle of a checkpoint may take: it holds names and shapes, the numbers lie elsewhere. */
export const MAX_PICKLE = 64_000_000
/** Maximum elements of a tensor larger than its storage (an expanded one): 64 MB as float32. */
const MAX_EXPANDED = 2 ** 24

/** How deep in dictionaries a state dict may lie. */
const DEEPEST = 3
const DATA_PARALLEL = 'module.'

const storageDtypes = new Map<string, Dtype>([
  ['DoubleStorage', 'F64'],
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
  ['UntypedStorage', 'U8'],
])

const torchDtypes = new Map<string, Dtype>([
  ['float64', 'F64'],
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
  ['int64', 'I64'],
  ['int32', 'I32'],
  ['int16', 'I16'],
  ['int8', 'I8'],
  ['uint64', 'U64'],
  ['uint32', 'U32'],
  ['uint16', 'U16'],
  ['uint8', 'U8'],
  ['bool', 'BOOL'],
  ['float8_e4m3fn', 'F8_E4M3'],
  ['float8_e5m2', 'F8_E5M2'],
])

/** A type of elements, as `torch.FloatStorage` and `torch.float32` name it. */
class ElementType {
  constructor(readonly dtype: Dtype) {}
}

/** A block of memory that tensors are views of. */
export class Storage {
  constructor(
    readonly key: string,
    readonly dtype: Dtype,
    readonly byteLength: number,
  ) {}
}

/** A view of a storage, checked to lie inside. */
class TensorView {
  constructor(
    readonly storage: Storage,
    readonly dtype: Dtype,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    readonly byteOffset: number,
  ) {}
}

/** The names that `torch.save` uses for tensors, and those of plain values that trainings write beside them. */
export class TorchWorld implements PickleWorld {
  readonly storages = new Map<string, Storage>()

  constructor(readonly where: string) {}

  find(module: string, name: string): unknown {
    switch (`${module}.${name}`) {
      case 'collections.OrderedDict':
      case 'builtins.dict':
      case '__builtin__.dict':
        return new PickleFunction(([pairs]) => new Map(Array.isArray(pairs) ? pairs.filter(isPair) : []))
      case 'builtins.set':
      case '__builtin__.set':
        return new PickleFunction(([items]) => new Set(Array.isArray(items) ? items : []))
      case 'torch.Size':
        return new PickleFunction(([sizes]) => sizes)
      case 'torch._utils._rebuild_tensor':
      case 'torch._utils._rebuild_tensor_v2':
        return new PickleFunction(([storage, offset, size, stride]) =>
          this.view(storage, undefined, offset, size, stride),
        )
      case 'torch._utils._rebuild_tensor_v3':
        return new PickleFunction(([storage, offset, size, stride, , , type]) =>
          this.view(storage, type, offset, size, stride),
        )
      case 'torch._utils._rebuild_parameter':
      case 'torch._utils._rebuild_parameter_with_state':
        return new PickleFunction(([tensor]) => tensor)
      // What trainings write beside the weights; nothing of it is used.
      case 'collections.defaultdict':
      case 'collections.Counter':
      case 'argparse.Namespace':
      case 'lightning.fabric.utilities.data.AttributeDict':
      case 'lightning_fabric.utilities.data.AttributeDict':
      case 'pytorch_lightning.utilities.parsing.AttributeDict':
        return new PickleFunction(() => new Map())
      case 'builtins.list':
      case '__builtin__.list':
      case 'builtins.int':
      case '__builtin__.int':
      case 'builtins.float':
      case '__builtin__.float':
      case 'pathlib.Path':
      case 'pathlib.PosixPath':
      case 'pathlib.WindowsPath':
      case 'pathlib._local.PosixPath':
      case 'pathlib._local.WindowsPath':
      case 'torch.device':
      case '_codecs.encode':
      case 'numpy.dtype':
      case 'numpy.core.multiarray.scalar':
      case 'numpy._core.multiarray.scalar':
        return new PickleFunction(() => null)
    }
    const dtype =
      module === 'torch' || module === 'torch.storage' ? (storageDtypes.get(name) ?? torchDtypes.get(name)) : undefined
    return dtype === undefined ? undefined : new ElementType(dtype)
  }

  load(id: unknown): Storage {
    const parts: readonly unknown[] = Array.isArray(id) ? id : []
    const [kind, type, key, , count, part] = parts
    const size = type instanceof ElementType && isShape([count]) ? byteLength(type.dtype, [Number(count)]) : NaN
    const isKey = typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint'
    // Before version 0.4 a storage could be a part of another.
    if (
      kind !== 'storage' ||
      !(type instanceof ElementType) ||
      !isKey ||
      !Number.isSafeInteger(size) ||
      (part ?? null) !== null
    ) {
      throw damagedTorch('Invalid storage', { expected: '("storage", type, key, place, size)', where: this.where })
    }
    const storage = this.storages.get(String(key)) ?? new Storage(String(key), type.dtype, size)
    if (storage.byteLength !== size)
      throw damagedTorch('A storage has two sizes', { found: `${storage.byteLength} and ${size}`, where: this.where })
    this.storages.set(storage.key, storage)
    return storage.dtype === type.dtype ? storage : new Storage(storage.key, type.dtype, size)
  }

  private view(storage: unknown, type: unknown, offset: unknown, shape: unknown, strides: unknown): TensorView {
    const isType = type === undefined || type instanceof ElementType
    if (!(storage instanceof Storage) || !isType || !isShape([offset]) || !isShape(shape) || !isShape(strides)) {
      throw damagedTorch('Invalid tensor', { expected: 'a storage, an offset, a shape and strides', where: this.where })
    }
    const dtype = type?.dtype ?? storage.dtype
    const width = dtypeBits[dtype] / 8
    const count = elementCount(shape)
    const end = (Number(offset) + lastIndex(shape, strides) + 1) * width
    const isSane =
      shape.length === strides.length && Number.isSafeInteger(count) && (count === 0 || end <= storage.byteLength)
    const isExpanded = count * width > storage.byteLength && count > MAX_EXPANDED
    if (isSane && !isExpanded) {
      return new TensorView(storage, dtype, shape, strides, count === 0 ? 0 : Number(offset) * width)
    }
    throw damagedTorch('A tensor lies outside its storage', {
      expected: `at most ${storage.byteLength} bytes`,
      found: `[${shape.slice(0, 8).join(', ')}] with strides [${strides.slice(0, 8).join(', ')}] from ${Number(offset)}`,
      where: this.where,
    })
  }
}

/**
 * The tensors of a state dict, which may be inside a training checkpoint.
 *
 * @param value what the pickle holds.
 * @param sourceOf the bytes of a storage.
 */
export function openStateDict(value: unknown, where: string, sourceOf: (storage: Storage) => ByteSource): Weights {
  const tensors = new Map<string, StoredTensor>()
  const found = tensorsIn(value)
  // Models trained on several machines are wrapped in one of this name.
  const isWrapped = found.every(([name]) => name.startsWith(DATA_PARALLEL))
  for (const [name, view] of found) {
    const { storage, dtype, shape, strides, byteOffset } = view
    const source = sourceOf(storage)
    tensors.set(isWrapped ? name.slice(DATA_PARALLEL.length) : name, {
      source,
      dtype,
      shape,
      strides,
      byteOffset,
      byteLength: byteLength(dtype, shape),
    })
  }
  if (tensors.size > 0) return { ...storedWeights(where, tensors), ...(isWrapped && { takenOff: DATA_PARALLEL }) }
  throw damagedTorch('The file contains no weights', {
    expected: 'a dictionary of tensors',
    where,
    hint: 'Save model.state_dict().',
  })
}

/** Where programs keep the model's weights in a checkpoint of a training, in the order they are looked for. */
const stateDictKeys = ['state_dict', 'model_state_dict', 'model', 'module', 'net', 'weights']

function tensorsIn(value: unknown, depth = 0): readonly (readonly [string, TensorView])[] {
  if (!(value instanceof Map)) return []
  const found = [...value].filter((entry): entry is [string, TensorView] => {
    return typeof entry[0] === 'string' && entry[1] instanceof TensorView
  })
  if (found.length > 0 || depth === DEEPEST) return found
  for (const key of stateDictKeys) {
    const inner = tensorsIn(value.get(key), depth + 1)
    if (inner.length > 0) return inner
  }
  return []
}

function isPair(value: unknown): value is [unknown, unknown] {
  return Array.isArray(value) && value.length === 2
}

/** The error for a damaged file of `torch.save`. */
export function damagedTorch(summary: string, detail: ErrorDetail): FormatError {
  return new FormatError(summary, {
    hint: 'The file is damaged or not one of weights: fetch or save it again.',
    ...detail,
  })
}
