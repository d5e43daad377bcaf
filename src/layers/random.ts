export { normalStream, seedOf, uniformStream } from '../random.js'
