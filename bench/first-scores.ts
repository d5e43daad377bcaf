/**
 * From nothing to the scores of one image, as a program does it: first-scores.js FOLDER IMAGE
 * Prints the scores, and the most memory that the process had.
 */
import { resourceUsage } from 'node:process'
import { pipeline } from '../src/index.js'

const [folder = '', image = ''] = process.argv.slice(2)
const classify = await pipeline('zero-shot-image-classification', folder)
const scores = await classify(image, ['a cat', 'a dog', 'a car'])
console.log(scores.map(({ label, score }) => `${label} ${score.toFixed(4)}`).join(', '))
console.log(`peak ${resourceUsage().maxRSS * 1024}`)
process.exit(0)
