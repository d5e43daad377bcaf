/**
 * From nothing to the scores of one picture, as a program does it: first-scores.js FOLDER PICTURE
 * Prints the scores, and the most memory that the process had.
 */
import { resourceUsage } from 'node:process'
import { pipeline } from '../src/index.js'

const [folder = '', picture = ''] = process.argv.slice(2)
const classify = await pipeline('zero-shot-image-classification', folder)
const scores = await classify(picture, ['a cat', 'a dog', 'a car'])
console.log(scores.map(({ label, score }) => `${label} ${score.toFixed(4)}`).join(', '))
console.log(`peak ${resourceUsage().maxRSS * 1024}`)
process.exit(0)
